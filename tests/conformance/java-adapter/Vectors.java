import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Answers the questions of `spojka-conformance vectors`: one JSON object a line, in and out. */
final class Vectors {
    private final Defects defects;
    private TrustList list;
    private Feed feed;

    private Vectors(Defects defects) {
        this.defects = defects;
    }

    static void answer(InputStream in, PrintStream out, Defects defects) throws Exception {
        Vectors vectors = new Vectors(defects);
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Map<String, Object> asked = Json.parse(Bytes.utf8(line));
            Map<String, Object> answer = vectors.answer(asked);
            answer.put("case", asked.get("case"));
            out.println(new String(Json.write(answer), StandardCharsets.UTF_8));
            out.flush();
        }
    }

    private Map<String, Object> answer(Map<String, Object> asked) {
        try {
            return switch (Json.string(asked, "ask")) {
                case "partition" -> Json.of("partition", (long) Bytes.partition(bytes(asked, "key"), (int) Json.number(asked, "count")));
                case "sign" -> Json.of("signature", Bytes.base64(sign(asked)));
                case "batch" -> batch(asked);
                case "json" -> json(bytes(asked, "value"));
                case "first-list" -> firstList(asked);
                case "list" -> nextList(bytes(asked, "envelope"));
                case "feed-record" -> Json.of("verdict", record(bytes(asked, "value")));
                case "key-id" -> Json.of("key_id", Sealing.keyId(bytes(asked, "key")));
                case "message-key" -> Json.of("key", Bytes.base64(Sealing.messageKey(bytes(asked, "key"), Json.list(asked.get("bound")))));
                case "open-key" -> openKey(asked);
                case "open-content" -> Json.of("verdict", "good", "content", openContent(asked));
                default -> Json.of("unsupported", true);
            };
        } catch (Json.Fault fault) {
            return Json.of("verdict", "refused");
        }
    }

    /** By the suite that every Java has; ML-KEM is in none yet that this must run on. */
    private static Map<String, Object> openKey(Map<String, Object> asked) {
        if (!Json.string(asked, "suite").equals(Sealing.X25519)) return Json.of("unsupported", true);
        byte[] opened = Sealing.openKey(bytes(asked, "private_key"), bytes(asked, "public_key"), bytes(asked, "info"), bytes(asked, "sealed"));
        return Json.of("verdict", "good", "opened", Bytes.base64(opened));
    }

    private Map<String, Object> openContent(Map<String, Object> asked) {
        return Sealing.open(Json.string(asked, "jwe"), bytes(asked, "key"), defects.are("jwe-header-unread"));
    }

    private static byte[] bytes(Map<String, Object> asked, String name) {
        return Bytes.unbase64(Json.string(asked, name));
    }

    private byte[] sign(Map<String, Object> asked) {
        String type = defects.are("wrong-pae") ? "application/json" : Json.string(asked, "type");
        return Bytes.sign(Bytes.unhex(Json.string(asked, "seed")), Bytes.pae(type, bytes(asked, "value")));
    }

    private static Map<String, Object> batch(Map<String, Object> asked) {
        List<byte[]> leaves = new ArrayList<>();
        for (Object value : Json.list(asked.get("values"))) leaves.add(Bytes.leaf(Bytes.unbase64((String) value)));
        byte[] signed = Bytes.join(Bytes.u64(leaves.size()), Bytes.root(leaves));
        byte[] signature = Bytes.sign(Bytes.unhex(Json.string(asked, "seed")), Bytes.pae(Bytes.BATCH, signed));
        List<Object> proofs = new ArrayList<>();
        for (int index = 0; index < leaves.size(); index++) {
            proofs.add(Bytes.base64(Bytes.join(Bytes.path(index, leaves).toArray(new byte[0][]))));
        }
        return Json.of("signature", Bytes.base64(signature), "proofs", proofs);
    }

    private Map<String, Object> json(byte[] value) {
        Json.parse(value, defects.are("duplicate-members"));
        return Json.of("verdict", "good");
    }

    private Map<String, Object> firstList(Map<String, Object> asked) {
        list = TrustList.first(bytes(asked, "envelope"));
        feed = new Feed(list.programme, Json.string(asked, "recipient"), defects);
        return Json.of("verdict", "taken");
    }

    private Map<String, Object> nextList(byte[] envelope) {
        list = list.next(envelope, defects.are("any-list"));
        return Json.of("verdict", "taken");
    }

    private String record(byte[] value) {
        Feed.Verdict verdict = feed.judge(value, list);
        boolean doubt = verdict.kind().equals("given") && list.author(verdict.message()) == null;
        return doubt ? "refused" : verdict.kind();
    }
}
