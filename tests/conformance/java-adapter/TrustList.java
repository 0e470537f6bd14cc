import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** One verified version of the operator's list: which key speaks for whom (contracts/schemas/trust-list.v1.schema.json). */
final class TrustList {
    static final String TYPE = "application/vnd.spojka.trust-list";
    final String programme;
    final long version;
    final int partitions;
    private final String digest;
    private final Map<String, byte[]> roots = new HashMap<>();
    private final Map<String, byte[]> hub = new HashMap<>();
    private final Map<String, byte[]> units = new HashMap<>();

    private TrustList(Signed signed, Map<String, Object> listed) {
        programme = Json.string(listed, "programme");
        version = Json.number(listed, "version");
        partitions = (int) Json.number(listed, "partitions");
        digest = signed.digest();
        for (Object key : Json.list(listed.get("root_keys"))) add(roots, key);
        for (Object key : Json.list(listed.get("hub_keys"))) add(hub, key);
        for (Object unit : Json.list(listed.get("units"))) {
            for (Object key : Json.list(Json.object(unit).get("keys"))) add(units, key);
        }
    }

    private static void add(Map<String, byte[]> keys, Object value) {
        Map<String, Object> entry = Json.object(value);
        if (entry.get("revoked") == null) keys.put(Json.string(entry, "key_id"), Bytes.unbase64(Json.string(entry, "public_key")));
    }

    /** The first list names its own roots: compare their key ids with the operator over another channel. */
    static TrustList first(byte[] envelope) {
        Signed signed = Signed.fromEnvelope(Json.parse(envelope), TYPE);
        TrustList found = new TrustList(signed, Json.parse(signed.payload()));
        if (!holds(found.roots, signed)) throw new Json.Fault("the first list is not signed by its root");
        return found;
    }

    /** The list that follows; a Fault where it does not. */
    TrustList next(byte[] envelope, boolean anyList) {
        Signed signed = Signed.fromEnvelope(Json.parse(envelope), TYPE);
        Map<String, Object> listed = Json.parse(signed.payload());
        TrustList found = new TrustList(signed, listed);
        boolean follows = found.version == version + 1 && digest.equals(listed.get("previous"));
        boolean ours = found.programme.equals(programme) && found.partitions == partitions;
        if (anyList && found.version > version) return found;
        if (!follows || !ours || !holds(roots, signed)) throw new Json.Fault("a list that does not follow");
        return found;
    }

    private static boolean holds(Map<String, byte[]> keys, Signed signed) {
        byte[] key = keys.get(signed.keyId());
        return key != null && signed.holds(key, TYPE);
    }

    /** Whether a key that this list gives the hub, for one of these uses, signed it. */
    boolean byHub(Signed signed, String type, String... uses) {
        byte[] key = hub.get(signed.keyId());
        boolean use = Arrays.asList(uses).contains(signed.keyId().split("/")[1]);
        return key != null && use && signed.holds(key, type);
    }

    /** The unit whose key signed the message, `hub` included; null where none did. */
    String author(Signed message) {
        byte[] key = units.getOrDefault(message.keyId(), hub.get(message.keyId()));
        String[] name = message.keyId().split("/");
        return key != null && name[1].equals("messages") && message.holds(key, Bytes.MESSAGE) ? name[0] : null;
    }
}
