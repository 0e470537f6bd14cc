import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/** The adapter at work: one thread reads, records and sends, one after the other. */
final class Work {
    private record Doubtful(Map<String, Object> slot, Signed message) {}

    private final Path home;
    private final Desk desk;
    private final Feed feed;
    private final Line line;
    private final Defects defects;
    private TrustList list;
    private final Map<Long, Map<String, Object>> marks = new HashMap<>();
    private final List<Doubtful> doubtful = new ArrayList<>();
    private String asked = "";
    private long askAgain;
    private long missing;
    private long unacknowledged;
    private long acknowledgeBy = System.currentTimeMillis() + 600_000;
    private long pause = 5_000;
    private long patientUntil;

    Work(Path home, Desk desk, Feed feed, TrustList first, Line line, Defects defects) {
        this.home = home;
        this.desk = desk;
        this.feed = feed;
        this.list = first;
        this.line = line;
        this.defects = defects;
    }

    void forEver() throws Exception {
        while (true) {
            for (ConsumerRecord<byte[], byte[]> record : line.poll()) {
                if (record.value() == null) continue;
                if (Line.isList(record)) directory(record.value());
                else feedRecord(record.value());
            }
            askForMissing();
            acknowledge();
            wishes();
            desk.sync();
            send();
        }
    }

    private void directory(byte[] envelope) {
        try {
            list = list.next(envelope, defects.are("any-list"));
        } catch (Json.Fault fault) {
            return; // the one before stays in force
        }
        for (Doubtful one : new ArrayList<>(doubtful)) if (take(one.slot, one.message)) doubtful.remove(one);
    }

    private void feedRecord(byte[] value) {
        long before = feed.sequence;
        Feed.Verdict verdict = feed.judge(value, list);
        switch (verdict.kind()) {
            case "receipt" -> receipt(verdict.document());
            case "head" -> head(verdict);
            case "given" -> {
                if (!take(verdict.document(), verdict.message())) doubtful.add(new Doubtful(verdict.document(), verdict.message()));
            }
            case "gap" -> {
                missing = verdict.missing();
                if (defects.are("gap-ignored") && verdict.message() != null) take(verdict.document(), verdict.message());
            }
            default -> missing = Math.max(missing, verdict.missing());
        }
        if (feed.sequence > before) {
            unacknowledged += feed.sequence - before;
            if (missing <= feed.sequence) missing = 0;
        }
    }

    private void receipt(Map<String, Object> receipt) {
        desk.answered(receipt);
        pause = 5_000;
        patientUntil = 0;
    }

    private void head(Feed.Verdict verdict) {
        if (verdict.missing() > 0) missing = verdict.missing();
        for (Object mark : Json.list(verdict.document().get("inbox"))) {
            marks.put(Json.number(Json.object(mark), "partition"), Json.object(mark));
        }
    }

    /** Acts upon a message that is certain; false where a newer trust list may settle it. */
    private boolean take(Map<String, Object> slot, Signed message) {
        String author = list.author(message);
        if (author == null && !defects.are("author-unchecked")) return false;
        try {
            Map<String, Object> document = Json.parse(message.payload(), defects.are("duplicate-members"));
            String owner = author == null ? message.keyId().split("/")[0] : author;
            if (!("urn:spojka:" + list.programme + ":" + owner).equals(document.get("source"))) return true;
            if (defects.are("stops-at-unknown") && Json.string(document, "type").contains(".bridge.")) feed.undo();
            desk.take(slot, document);
        } catch (Json.Fault | NullPointerException fault) {
            return true; // kept as it is, acted upon never
        }
        return true;
    }

    private void askForMissing() {
        if (missing == 0 || missing <= feed.sequence || defects.are("no-replay")) return;
        String place = feed.generation + "/" + missing;
        if (place.equals(asked) && System.currentTimeMillis() < askAgain) return;
        asked = place;
        askAgain = System.currentTimeMillis() + 5_000;
        desk.askReplay(feed.generation, missing);
    }

    private void acknowledge() {
        if (unacknowledged == 0 || (unacknowledged < 500 && System.currentTimeMillis() < acknowledgeBy)) return;
        unacknowledged = 0;
        acknowledgeBy = System.currentTimeMillis() + 600_000;
        desk.acknowledge(feed);
    }

    private void wishes() throws IOException {
        for (Path file : Adapter.wishes(home)) {
            Map<String, Object> wish = Json.parse(Files.readAllBytes(file));
            if (!desk.knowsDuty(wish)) continue; // it is on its way
            desk.wish(wish);
            desk.sync();
            Files.delete(file);
        }
    }

    /** What is new, and what the broker or the hub seems to have lost, in the order of the outbox. */
    private void send() throws Exception {
        String incarnation = line.incarnation();
        if (incarnation == null) return;
        Map<Desk.Outgoing, Future<RecordMetadata>> sent = new LinkedHashMap<>();
        boolean oldest = !desk.open.isEmpty() && patientUntil > 0 && System.currentTimeMillis() >= patientUntil;
        for (Desk.Outgoing one : desk.open.values()) {
            boolean again = one.offset >= 0 && !defects.are("never-resends");
            boolean due = one.offset < 0 || (again && (lost(one, incarnation) || (oldest && sent.isEmpty())));
            if (due) sent.put(one, line.send(desk.again(one), one.key, partition(one.key)));
        }
        for (Map.Entry<Desk.Outgoing, Future<RecordMetadata>> each : sent.entrySet()) {
            RecordMetadata stored = each.getValue().get();
            each.getKey().partition = stored.partition();
            each.getKey().offset = stored.offset();
            each.getKey().incarnation = incarnation;
        }
        if (oldest) pause = Math.min(pause * 2, 300_000);
        if (desk.open.isEmpty()) patientUntil = 0;
        else if (oldest || patientUntil == 0) patientUntil = System.currentTimeMillis() + pause;
    }

    /** A head of the same broker passed it without a receipt, or the broker is another one. */
    private boolean lost(Desk.Outgoing one, String incarnation) {
        if (!incarnation.equals(one.incarnation)) return true;
        Map<String, Object> mark = marks.get((long) one.partition);
        return mark != null && one.incarnation.equals(mark.get("incarnation")) && Json.number(mark, "next_offset") > one.offset;
    }

    private int partition(String key) {
        if (!defects.are("crc32-partitioner")) return Bytes.partition(Bytes.utf8(key), list.partitions);
        CRC32 crc = new CRC32();
        crc.update(Bytes.utf8(key));
        return (int) (crc.getValue() % list.partitions);
    }
}
