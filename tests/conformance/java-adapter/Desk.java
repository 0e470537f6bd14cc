import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/**
 * Everything that a unit must not forget: clients, numbers, messages without a receipt, entries that it was given.
 *
 * One file, written line by line, and to the disk before anything is sent; read from its beginning at every start.
 */
final class Desk {
    /** A signed message and where the broker stored it last. */
    static final class Outgoing {
        String id;
        String key;
        long sequence;
        Map<String, Object> document;
        Signed signed;
        String incarnation;
        int partition = -1;
        long offset = -1;
    }

    private static final SecureRandom RANDOM = new SecureRandom();
    private final String programme;
    private final String unit;
    private final byte[] seed;
    private final String keyId;
    private final Defects defects;
    private final FileChannel journal;
    private boolean onDisk = true;
    private final Map<String, Long> numbers = new HashMap<>();
    private final Map<String, String> clients = new HashMap<>();
    private final Set<String> received = new HashSet<>();
    private final Set<String> entries = new HashSet<>();
    private final Map<String, Map<String, Object>> duties = new HashMap<>();
    private final Map<String, String> dutySubjects = new HashMap<>();
    private final Map<String, String> subjects = new HashMap<>();
    final Map<String, Outgoing> open = new LinkedHashMap<>();

    Desk(Path home, String programme, String unit, byte[] seed, Defects defects) throws IOException {
        this.programme = programme;
        this.unit = unit;
        this.seed = seed;
        this.defects = defects;
        keyId = unit + "/messages/" + Bytes.hex(Bytes.sha256(Bytes.publicOf(seed))).substring(0, 16);
        Path file = home.resolve("journal");
        if (Files.exists(file)) for (String line : Files.readAllLines(file)) remember(Json.parse(Bytes.utf8(line)));
        journal = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
    }

    // What a worker wants.

    void wish(Map<String, Object> wish) {
        switch (Json.string(wish, "action")) {
            case "take-consent" -> takeConsent(wish);
            case "refer" -> refer(wish);
            case "record-many" -> recordMany(wish);
            case "answer-obligation" -> answerObligation(wish);
            case "accept-referral" -> acceptReferral(wish);
            default -> throw new Json.Fault("no such action");
        }
    }

    private void takeConsent(Map<String, Object> wish) {
        String recipient = "unit:" + Json.string(wish, "recipient");
        // Without history_from the hub takes its own now, and what was written down a moment before would be older than the consent.
        Map<String, Object> grant = Json.of("sources", List.of(unit), "recipient", recipient,
            "categories", wish.get("categories"), "history_from", now(), "until", wish.get("until"));
        Map<String, Object> facts = Json.of("consent_id", freshId(), "recipient", recipient, "grants", List.of(grant),
            "paper", List.of("consent", "release-from-secrecy"), "notice_version", "1",
            "evidence_hash", Bytes.hex(Bytes.sha256(Bytes.utf8("signed" + freshId()))), "method", "signed-paper");
        String subject = subjectOf(Json.string(wish, "client"));
        Map<String, Object> enrolled = Json.of("status", "registered-jobseeker");
        publish(List.of(message("consent.given", subject, null, facts, null),
            message("client.enrolled", subject, "identity", enrolled, Json.of("given_name", "Jana"))));
    }

    private void refer(Map<String, Object> wish) {
        Map<String, Object> facts = Json.of("referral_id", freshId(), "kind", "referral", "target", wish.get("target"),
            "answer_due", wish.get("answer_due"));
        String subject = subjectOf(Json.string(wish, "client"));
        publish(List.of(message("referral.sent", subject, Json.string(wish, "category"), facts, null)));
    }

    private void recordMany(Map<String, Object> wish) {
        List<Outgoing> made = new ArrayList<>();
        String subject = subjectOf(Json.string(wish, "client"));
        for (long count = Json.number(wish, "count"); count > 0; count--) {
            Map<String, Object> facts = Json.of("dimension", wish.get("category"), "level", "high");
            made.add(message("need.assessed", subject, Json.string(wish, "category"), facts, null));
        }
        publish(made);
    }

    private void acceptReferral(Map<String, Object> wish) {
        String referral = Json.string(wish, "referral_id");
        publish(List.of(message("referral.accepted", subjects.get(referral), Json.string(wish, "category"),
            Json.of("referral_id", referral), null)));
    }

    private void answerObligation(Map<String, Object> wish) {
        String duty = Json.string(wish, "obligation_id");
        Set<String> concerned = new TreeSet<>();
        for (Object name : Json.list(duties.get(duty).get("entries"))) if (entries.contains(name)) concerned.add((String) name);
        StringBuilder lines = new StringBuilder();
        for (String name : concerned) lines.append(name).append('\n');
        Map<String, Object> facts = Json.of("obligation_id", duty, "statement", "erased", "entries", (long) concerned.size(),
            "digest", Bytes.hex(Bytes.sha256(Bytes.utf8(lines.toString()))));
        write(Json.of("e", "erased", "entries", List.copyOf(concerned)));
        publish(List.of(message("obligation.answered", dutySubjects.get(duty), null, facts, null)));
    }

    boolean knowsDuty(Map<String, Object> wish) {
        return !"answer-obligation".equals(wish.get("action")) || duties.containsKey(wish.get("obligation_id"));
    }

    // What the feed brings.

    /** A message whose author is certain, and of a type that may be unknown. */
    void take(Map<String, Object> slot, Map<String, Object> message) {
        String type = Json.string(message, "type");
        Map<String, Object> facts = Json.object(Json.object(message.get("data")).get("facts"));
        write(Json.of("e", "entry", "id", message.get("id")));
        if (type.equals("eu.spojka.referral.sent.v1") && unit.equals(facts.get("target"))) receive(slot, message, facts);
        if (type.equals("eu.spojka.obligation.opened.v1") && unit.equals(facts.get("unit"))) {
            write(Json.of("e", "duty", "facts", facts, "subject", slot.get("subject")));
        }
    }

    private void receive(Map<String, Object> slot, Map<String, Object> message, Map<String, Object> facts) {
        String referral = Json.string(facts, "referral_id");
        if (received.contains(referral) && !defects.are("repeats-counted")) return;
        write(Json.of("e", "received", "referral", referral, "subject", slot.get("subject")));
        publish(List.of(message("referral.received", Json.string(slot, "subject"), Json.string(message, "category"),
            Json.of("referral_id", referral), null)));
    }

    void askReplay(long generation, long from) {
        Map<String, Object> facts = Json.of("shard", 0L, "generation", generation, "from_sequence", from);
        publish(List.of(message("feed.replay-requested", null, null, facts, null)));
    }

    void acknowledge(Feed feed) {
        byte[] link = defects.are("wrong-acknowledgement") ? Bytes.sha256(feed.link) : feed.link;
        Map<String, Object> facts = Json.of("shard", 0L, "generation", feed.generation, "feed_sequence", feed.sequence,
            "link", Bytes.hex(link));
        publish(List.of(message("feed.acknowledged", null, null, facts, null)));
    }

    /** A verified receipt; only one about the very bytes counts, and only the first. */
    void answered(Map<String, Object> receipt) {
        Outgoing message = open.get(receipt.get("id"));
        if (message == null) return;
        if (!message.signed.digest().equals(receipt.get("digest")) && !defects.are("receipt-digest-ignored")) return;
        write(Json.of("e", "answered", "id", message.id));
        Object code = receipt.get("code");
        if ("sequence-conflict".equals(code)) renumber(message, Json.number(receipt, "last_sequence"));
        else if (code != null && defects.are("number-reused")) numbers.put(message.key, message.sequence - 1);
    }

    /** The hub knows more of this unit than the unit: what is open under this key goes again, behind what the hub has. */
    private void renumber(Outgoing refused, long last) {
        List<Outgoing> again = new ArrayList<>(List.of(refused));
        for (Outgoing other : open.values()) if (other.key.equals(refused.key) && other.sequence > refused.sequence) again.add(other);
        write(Json.of("e", "number", "key", refused.key, "last", last));
        List<Outgoing> made = new ArrayList<>();
        for (Outgoing one : again) {
            if (open.containsKey(one.id)) write(Json.of("e", "answered", "id", one.id));
            Map<String, Object> document = new LinkedHashMap<>(one.document);
            document.put("id", freshId());
            document.put("causationid", one.id);
            document.put("sequence", nextNumber(one.key));
            made.add(outgoing(document, one.key));
        }
        publish(made);
    }

    // Making messages.

    private Outgoing message(
        String name, String subject, String category, Map<String, Object> facts, Map<String, Object> content) {
        String source = "urn:spojka:" + programme + ":" + unit;
        String key = subject != null ? subject : source;
        Map<String, Object> sealed = content == null ? null : Json.of("form", "clear", "content", content);
        Map<String, Object> document = Json.of("specversion", "1.0", "id", freshId(), "source", source,
            "type", "eu.spojka." + name + ".v1", "time", now(), "datacontenttype", "application/json",
            "dataschema", "urn:spojka:schema:" + name + ".v1", "programme", programme, "sequence", nextNumber(key),
            "subject", subject, "purpose", category == null ? null : "support", "category", category,
            "data", Json.of("facts", facts, "sealed", sealed));
        if (defects.are("derived-ids")) {
            byte[] content7 = Bytes.join(Bytes.utf8(key + document.get("sequence")), Json.write(facts));
            document.put("id", UUID.nameUUIDFromBytes(content7).toString());
        }
        return outgoing(document, key);
    }

    private Outgoing outgoing(Map<String, Object> document, String key) {
        Outgoing made = new Outgoing();
        made.id = Json.string(document, "id");
        made.key = key;
        made.sequence = Json.number(document, "sequence");
        made.document = document;
        return made;
    }

    private long nextNumber(String key) {
        long next = numbers.getOrDefault(key, 0L) + 1;
        numbers.put(key, next);
        return next;
    }

    /** One message has a signature of its own; several share one tree. They are on the disk before the broker sees them. */
    private void publish(List<Outgoing> made) {
        if (made.size() == 1) made.get(0).signed = signOne(made.get(0).document);
        else signBatch(made);
        for (Outgoing one : made) write(line(one));
    }

    private Signed signOne(Map<String, Object> document) {
        byte[] payload = Json.write(document);
        String type = defects.are("wrong-pae") ? "application/json" : Bytes.MESSAGE;
        byte[] signature = Bytes.sign(seed, Bytes.pae(type, payload));
        byte[] sent = defects.are("reserialised") ? Json.writeSpaced(Json.parse(payload)) : payload;
        return new Signed(sent, keyId, signature, null);
    }

    private void signBatch(List<Outgoing> made) {
        List<byte[]> leaves = new ArrayList<>();
        for (Outgoing one : made) leaves.add(Bytes.leaf(Json.write(one.document)));
        long size = made.size();
        byte[] signature = Bytes.sign(seed, Bytes.pae(Bytes.BATCH, Bytes.join(Bytes.u64(size), Bytes.root(leaves))));
        for (int index = 0; index < size; index++) {
            List<byte[]> path = Bytes.path(defects.are("wrong-proof") ? (index + 1) % (int) size : index, leaves);
            Signed.Proof proof = new Signed.Proof(size, index, path);
            made.get(index).signed = new Signed(Json.write(made.get(index).document), keyId, signature, proof);
        }
    }

    /** What is sent again is the same bytes. */
    Signed again(Outgoing one) {
        if (!defects.are("resend-new-bytes") || one.offset < 0) return one.signed;
        one.document.put("time", now());
        one.signed = signOne(one.document);
        return one.signed;
    }

    private static String now() {
        return OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MILLIS).toString();
    }

    /** UUID version 7 (RFC 9562 section 5.7): milliseconds, then random bits. */
    private static String freshId() {
        long high = System.currentTimeMillis() << 16 | 0x7000L | RANDOM.nextInt(1 << 12);
        long low = RANDOM.nextLong() & 0x3fffffffffffffffL | 0x8000000000000000L;
        return new UUID(high, low).toString();
    }

    private String subjectOf(String client) {
        if (!clients.containsKey(client)) {
            StringBuilder subject = new StringBuilder("r1.");
            for (int count = 0; count < 26; count++) subject.append("abcdefghijklmnopqrstuvwxyz234567".charAt(RANDOM.nextInt(32)));
            write(Json.of("e", "client", "client", client, "subject", subject.toString()));
        }
        return clients.get(client);
    }

    // The journal.

    /** Before anything follows from what was written: before it is sent, before more is read. */
    void sync() throws IOException {
        if (!onDisk) journal.force(false);
        onDisk = true;
    }

    private void write(Map<String, Object> line) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Bytes.join(Json.write(line), Bytes.utf8("\n")));
            while (bytes.hasRemaining()) journal.write(bytes);
            onDisk = false;
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
        remember(line);
    }

    private Map<String, Object> line(Outgoing one) {
        List<Object> path = new ArrayList<>();
        if (one.signed.proof() != null) for (byte[] each : one.signed.proof().path()) path.add(Bytes.base64(each));
        Map<String, Object> batch = one.signed.proof() == null ? null
            : Json.of("size", one.signed.proof().size(), "index", one.signed.proof().index(), "proof", path);
        return Json.of("e", "out", "key", one.key, "payload", Bytes.base64(one.signed.payload()),
            "sig", Bytes.base64(one.signed.signature()), "batch", batch);
    }

    private void remember(Map<String, Object> line) {
        switch (Json.string(line, "e")) {
            case "client" -> clients.put(Json.string(line, "client"), Json.string(line, "subject"));
            case "received" -> {
                received.add(Json.string(line, "referral"));
                subjects.put(Json.string(line, "referral"), Json.string(line, "subject"));
            }
            case "entry" -> entries.add(Json.string(line, "id"));
            case "erased" -> entries.removeAll(Json.list(line.get("entries")));
            case "duty" -> {
                String name = Json.string(Json.object(line.get("facts")), "obligation_id");
                duties.put(name, Json.object(line.get("facts")));
                dutySubjects.put(name, Json.string(line, "subject"));
            }
            case "number" -> numbers.put(Json.string(line, "key"), Json.number(line, "last"));
            case "answered" -> open.remove(Json.string(line, "id"));
            default -> rememberOut(line);
        }
    }

    private void rememberOut(Map<String, Object> line) {
        byte[] payload = Bytes.unbase64(Json.string(line, "payload"));
        Outgoing one = outgoing(Json.parse(payload), Json.string(line, "key"));
        Signed.Proof proof = null;
        if (line.get("batch") != null) {
            Map<String, Object> batch = Json.object(line.get("batch"));
            List<byte[]> path = new ArrayList<>();
            for (Object each : Json.list(batch.get("proof"))) path.add(Bytes.unbase64((String) each));
            proof = new Signed.Proof(Json.number(batch, "size"), Json.number(batch, "index"), path);
        }
        one.signed = new Signed(payload, keyId, Bytes.unbase64(Json.string(line, "sig")), proof);
        numbers.merge(one.key, one.sequence, Math::max);
        open.put(one.id, one);
    }
}
