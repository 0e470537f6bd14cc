import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.XECPrivateKeySpec;
import java.security.spec.XECPublicKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** Sealed content and sealed keys (contracts/sealing.md), with what is in every Java: HKDF, AES-GCM, and HPKE (RFC 9180) with X25519. */
final class Sealing {
    static final String X25519 = "x25519.hkdf-sha256.aes256gcm.v1";
    private static final byte[] KEM = Bytes.join(Bytes.utf8("KEM"), new byte[] {0, 0x20});
    private static final byte[] HPKE = Bytes.join(Bytes.utf8("HPKE"), new byte[] {0, 0x20, 0, 1, 0, 2});
    private static final byte[] NONE = new byte[0];

    private Sealing() {}

    /** The id that commits to a content key. */
    static String keyId(byte[] contentKey) {
        return Bytes.hex(Bytes.sha256(Bytes.utf8("spojka/kid/v1"), contentKey));
    }

    /** The key of one message: bound to programme, source, subject, type and id. */
    static byte[] messageKey(byte[] contentKey, List<?> bound) {
        byte[] info = prefixed("spojka/message-key/v1");
        for (Object part : bound) info = Bytes.join(info, prefixed((String) part));
        return expand(extract(NONE, contentKey), info, 32);
    }

    private static byte[] prefixed(String part) {
        byte[] bytes = Bytes.utf8(part);
        return Bytes.join(ByteBuffer.allocate(2).putShort((short) bytes.length).array(), bytes);
    }

    /** The content of a JWE in compact form; a Fault where it is not sealed as agreed, or not under this key. `anyHeader` is the planted defect. */
    static Map<String, Object> open(String jwe, byte[] messageKey, boolean anyHeader) {
        String[] parts = jwe.split("\\.", -1);
        if (parts.length != 5 || !parts[1].isEmpty()) throw new Json.Fault("not a JWE with alg dir");
        Map<String, Object> header = Json.parse(url(parts[0]));
        boolean agreed = header.keySet().equals(Set.of("alg", "enc", "kid")) && "dir".equals(header.get("alg"))
            && "A256GCM".equals(header.get("enc"));
        byte[] nonce = url(parts[2]);
        byte[] tag = url(parts[4]);
        if (!(agreed || anyHeader) || nonce.length != 12 || tag.length != 16) throw new Json.Fault("sealed otherwise than agreed");
        return Json.parse(decrypt(messageKey, nonce, Bytes.join(url(parts[3]), tag), Bytes.utf8(parts[0])));
    }

    /** What was sealed to an X25519 key for this purpose: HPKE, base mode, single shot, no associated data. */
    static byte[] openKey(byte[] privateKey, byte[] publicKey, byte[] info, byte[] sealed) {
        if (sealed.length < 32) throw new Json.Fault("too short to be sealed");
        byte[] encapsulated = Arrays.copyOf(sealed, 32);
        byte[] shared = labeled(KEM, agreed(privateKey, encapsulated), "shared_secret", Bytes.join(encapsulated, publicKey));
        byte[] context = Bytes.join(new byte[1], labeledExtract(HPKE, NONE, "psk_id_hash", NONE),
            labeledExtract(HPKE, NONE, "info_hash", info));
        byte[] secret = labeledExtract(HPKE, shared, "secret", NONE);
        byte[] key = labeledExpand(HPKE, secret, "key", context, 32);
        byte[] nonce = labeledExpand(HPKE, secret, "base_nonce", context, 12);
        return decrypt(key, nonce, Arrays.copyOfRange(sealed, 32, sealed.length), NONE);
    }

    private static byte[] agreed(byte[] privateKey, byte[] publicKey) {
        try {
            KeyFactory keys = KeyFactory.getInstance("X25519");
            PrivateKey mine = keys.generatePrivate(new XECPrivateKeySpec(NamedParameterSpec.X25519, privateKey));
            byte[] reversed = new byte[32];
            for (int index = 0; index < 32; index++) reversed[index] = publicKey[31 - index];
            reversed[0] &= 0x7f;
            PublicKey theirs = keys.generatePublic(new XECPublicKeySpec(NamedParameterSpec.X25519, new BigInteger(1, reversed)));
            KeyAgreement agreement = KeyAgreement.getInstance("X25519");
            agreement.init(mine);
            agreement.doPhase(theirs, true);
            return agreement.generateSecret();
        } catch (GeneralSecurityException error) {
            throw new Json.Fault("no key agreement");
        }
    }

    /** RFC 9180 4.1, ExtractAndExpand. */
    private static byte[] labeled(byte[] suite, byte[] agreed, String label, byte[] context) {
        return labeledExpand(suite, labeledExtract(suite, NONE, "eae_prk", agreed), label, context, 32);
    }

    private static byte[] labeledExtract(byte[] suite, byte[] salt, String label, byte[] material) {
        return extract(salt, Bytes.join(Bytes.utf8("HPKE-v1"), suite, Bytes.utf8(label), material));
    }

    private static byte[] labeledExpand(byte[] suite, byte[] secret, String label, byte[] info, int length) {
        byte[] size = ByteBuffer.allocate(2).putShort((short) length).array();
        return expand(secret, Bytes.join(size, Bytes.utf8("HPKE-v1"), suite, Bytes.utf8(label), info), length);
    }

    /** HKDF (RFC 5869) with SHA-256; no salt is as many zeros as the hash has bytes. */
    private static byte[] extract(byte[] salt, byte[] material) {
        return mac(salt.length == 0 ? new byte[32] : salt, material);
    }

    private static byte[] expand(byte[] secret, byte[] info, int length) {
        return Arrays.copyOf(mac(secret, Bytes.join(info, new byte[] {1})), length); // never more than one block here
    }

    private static byte[] mac(byte[] key, byte[] message) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(message);
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    private static byte[] decrypt(byte[] key, byte[] nonce, byte[] sealed, byte[] associated) {
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, nonce));
            cipher.updateAAD(associated);
            return cipher.doFinal(sealed);
        } catch (GeneralSecurityException error) {
            throw new Json.Fault("it does not open under this key");
        }
    }

    private static byte[] url(String text) {
        byte[] found;
        try {
            found = Base64.getUrlDecoder().decode(text);
        } catch (IllegalArgumentException error) {
            throw new Json.Fault("not base64url");
        }
        if (!Base64.getUrlEncoder().withoutPadding().encodeToString(found).equals(text)) throw new Json.Fault("base64url in another form");
        return found;
    }
}
