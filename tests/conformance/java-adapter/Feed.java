import java.nio.ByteBuffer;
import java.util.Map;

/** Judges records of one feed, and follows its chain (contracts/feed_record.py, contracts/delivery.py). */
final class Feed {
    static final String RECEIPT = "application/vnd.spojka.receipt";
    static final String DELIVERY = "application/vnd.spojka.delivery";
    static final String HEAD = "application/vnd.spojka.feed-head";

    /** What a record turned out to be: receipt, head, given, withheld, repeated, gap, refused. */
    record Verdict(String kind, Map<String, Object> document, Signed message, long missing) {
        static Verdict of(String kind, Map<String, Object> document) {
            return new Verdict(kind, document, null, 0);
        }
    }

    private final String programme;
    private final String unit;
    private final Defects defects;
    long generation = 1;
    long sequence;
    byte[] link;
    private byte[] before;

    Feed(String programme, String unit, Defects defects) {
        this.programme = programme;
        this.unit = unit;
        this.defects = defects;
        link = firstLink(programme, unit, 0, 1);
    }

    static byte[] firstLink(String programme, String recipient, long shard, long generation) {
        String name = "spojka/feed/v1\n" + programme + "\n" + recipient + "\n" + shard + "\n" + generation + "\n";
        return Bytes.sha256(Bytes.utf8(name));
    }

    static byte[] nextLink(byte[] link, String recipient, long sequence, long position, byte[] digest) {
        byte[] name = Bytes.utf8(recipient);
        byte[] leaf = Bytes.sha256(new byte[] {0}, Bytes.u64(position), digest);
        byte[] length = ByteBuffer.allocate(2).putShort((short) name.length).array();
        return Bytes.sha256(new byte[] {1}, link, length, name, Bytes.u64(sequence), leaf);
    }

    Verdict judge(byte[] value, TrustList list) {
        try {
            Map<String, Object> record = Json.parse(value);
            if (record.containsKey("receipt") && record.size() == 1) return receipt(record, list);
            if (record.containsKey("head") && record.size() == 1) return head(record, list);
            if (record.containsKey("delivery")) return delivery(record, list);
        } catch (Json.Fault | NullPointerException | ClassCastException fault) {
            return Verdict.of("refused", null);
        }
        return Verdict.of("refused", null);
    }

    private Verdict receipt(Map<String, Object> record, TrustList list) {
        Signed signed = Signed.fromEnvelope(record.get("receipt"), RECEIPT);
        if (!signedByHub(signed, list, RECEIPT, "receipts", "deliveries")) return Verdict.of("refused", null);
        Map<String, Object> receipt = Json.parse(signed.payload());
        return Verdict.of("receipt", receipt);
    }

    private Verdict head(Map<String, Object> record, TrustList list) {
        Signed signed = Signed.fromEnvelope(record.get("head"), HEAD);
        if (!signedByHub(signed, list, HEAD, "receipts", "deliveries")) return Verdict.of("refused", null);
        Map<String, Object> head = Json.parse(signed.payload());
        if (!forUs(head)) return Verdict.of("refused", null);
        begin(Json.number(head, "generation"));
        boolean ahead = Json.number(head, "generation") == generation && Json.number(head, "sequence") > sequence;
        return new Verdict("head", head, null, ahead ? sequence + 1 : 0);
    }

    private Verdict delivery(Map<String, Object> record, TrustList list) {
        Signed signed = Signed.fromEnvelope(record.get("delivery"), DELIVERY);
        boolean trusted = signedByHub(signed, list, DELIVERY, "deliveries");
        if (!trusted && !(signed.proof() != null && defects.are("hub-proof-unchecked"))) return Verdict.of("refused", null);
        Map<String, Object> slot = Json.parse(signed.payload());
        if (!forUs(slot) && !defects.are("recipient-ignored")) return Verdict.of("refused", null);
        begin(Json.number(slot, "generation"));
        long number = Json.number(slot, "sequence");
        if (Json.number(slot, "generation") < generation) return Verdict.of("repeated", slot);
        if (number <= sequence) return defects.are("repeats-counted") ? given(slot, record) : Verdict.of("repeated", slot);
        if (number > sequence + 1) return new Verdict("gap", slot, beside(record), sequence + 1);
        byte[] follows = nextLink(link, Json.string(slot, "recipient"), number, Json.number(slot, "position"),
            Bytes.unhex(Json.string(slot, "digest")));
        if (!Bytes.hex(follows).equals(slot.get("link")) && !defects.are("link-ignored")) return Verdict.of("refused", slot);
        boolean withheld = "withheld".equals(slot.get("verdict"));
        Signed message = beside(record);
        if (withheld != (message == null)) return new Verdict("refused", slot, null, number);
        if (!withheld && !message.digest().equals(slot.get("digest")) && !defects.are("digest-ignored")) {
            return new Verdict("refused", slot, null, number);
        }
        sequence = number;
        before = link;
        link = Bytes.unhex(Json.string(slot, "link"));
        return new Verdict(withheld ? "withheld" : "given", slot, message, 0);
    }

    /** The slot was not taken after all: the planted defect. */
    void undo() {
        sequence--;
        link = before;
    }

    private Verdict given(Map<String, Object> slot, Map<String, Object> record) {
        return new Verdict("given", slot, beside(record), 0);
    }

    private static Signed beside(Map<String, Object> record) {
        return record.get("message") == null ? null : Signed.fromEnvelope(record.get("message"), Bytes.MESSAGE);
    }

    private boolean signedByHub(Signed signed, TrustList list, String type, String... uses) {
        return list.byHub(signed, type, uses) || (signed.proof() == null && defects.are("hub-signature-unchecked"));
    }

    private boolean forUs(Map<String, Object> document) {
        return programme.equals(document.get("programme")) && unit.equals(document.get("recipient"));
    }

    /** A higher generation begins a new chain. */
    private void begin(long other) {
        if (other <= generation) return;
        generation = other;
        sequence = 0;
        link = firstLink(programme, unit, 0, other);
    }
}
