import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Exact bytes with one signature, alone or as a leaf of a signed batch (contracts/dsse.py, contracts/signed_bytes.py). */
record Signed(byte[] payload, String keyId, byte[] signature, Proof proof) {
    record Proof(long size, long index, List<byte[]> path) {}

    String digest() {
        return Bytes.hex(Bytes.sha256(payload));
    }

    boolean holds(byte[] publicKey, String type) {
        if (proof == null) return Bytes.verify(publicKey, Bytes.pae(type, payload), signature);
        byte[] root = Bytes.rootFrom(Bytes.leaf(payload), proof.index, proof.size, proof.path);
        if (root == null || proof.size > 256) return false;
        return Bytes.verify(publicKey, Bytes.pae(Bytes.BATCH, Bytes.join(Bytes.u64(proof.size), root)), signature);
    }

    static Signed fromEnvelope(Object value, String type) {
        Map<String, Object> envelope = Json.object(value);
        List<?> signatures = Json.list(envelope.get("signatures"));
        if (envelope.size() != 3 || signatures.size() != 1) throw new Json.Fault("not one of our envelopes");
        if (!type.equals(Json.string(envelope, "payloadType"))) throw new Json.Fault("another payload type");
        Map<String, Object> one = Json.object(signatures.get(0));
        Proof proof = null;
        if (one.get("batch") != null) {
            Map<String, Object> batch = Json.object(one.get("batch"));
            List<byte[]> path = new ArrayList<>();
            for (Object each : Json.list(batch.get("proof"))) path.add(Bytes.unbase64((String) each));
            proof = new Proof(Json.number(batch, "size"), Json.number(batch, "index"), path);
        }
        if (one.size() != (proof == null ? 2 : 3)) throw new Json.Fault("unknown members beside a signature");
        byte[] payload = Bytes.unbase64(Json.string(envelope, "payload"));
        return new Signed(payload, Json.string(one, "keyid"), Bytes.unbase64(Json.string(one, "sig")), proof);
    }
}
