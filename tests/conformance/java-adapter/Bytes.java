import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;

/** Hashes, trees, signatures and partitions, as contracts/ describes them. */
final class Bytes {
    static final String MESSAGE = "application/cloudevents+json";
    static final String BATCH = "application/vnd.spojka.batch";
    private static final byte[] PUBLIC = HexFormat.of().parseHex("302a300506032b6570032100");
    private static final byte[] PRIVATE = HexFormat.of().parseHex("302e020100300506032b657004220420");

    private Bytes() {}

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    static byte[] unhex(String text) {
        return HexFormat.of().parseHex(text);
    }

    static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    /** Standard base64 in its one canonical form. */
    static byte[] unbase64(String text) {
        byte[] found;
        try {
            found = Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException error) {
            throw new Json.Fault("not base64");
        }
        if (!base64(found).equals(text)) throw new Json.Fault("base64 in another form");
        return found;
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) out.writeBytes(part);
        return out.toByteArray();
    }

    static byte[] u64(long number) {
        return ByteBuffer.allocate(8).putLong(number).array();
    }

    static byte[] sha256(byte[]... parts) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(join(parts));
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    /** DSSE v1.0.2, pre-authentication encoding. */
    static byte[] pae(String type, byte[] body) {
        byte[] name = utf8(type);
        return join(utf8("DSSEv1 " + name.length + " "), name, utf8(" " + body.length + " "), body);
    }

    static byte[] publicOf(byte[] seed) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
            generator.initialize(NamedParameterSpec.ED25519, new SecureRandom() {
                @Override
                public void nextBytes(byte[] bytes) {
                    System.arraycopy(seed, 0, bytes, 0, bytes.length);
                }
            });
            byte[] encoded = generator.generateKeyPair().getPublic().getEncoded();
            return Arrays.copyOfRange(encoded, PUBLIC.length, encoded.length);
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    static byte[] sign(byte[] seed, byte[] message) {
        try {
            PrivateKey key = KeyFactory.getInstance("Ed25519").generatePrivate(new PKCS8EncodedKeySpec(join(PRIVATE, seed)));
            Signature signature = Signature.getInstance("Ed25519");
            signature.initSign(key);
            signature.update(message);
            return signature.sign();
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    static boolean verify(byte[] publicKey, byte[] message, byte[] signature) {
        try {
            PublicKey key = KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(join(PUBLIC, publicKey)));
            Signature judge = Signature.getInstance("Ed25519");
            judge.initVerify(key);
            judge.update(message);
            return judge.verify(signature);
        } catch (GeneralSecurityException error) {
            return false;
        }
    }

    /** RFC 9162 section 2.1.1. */
    static byte[] leaf(byte[] entry) {
        return sha256(new byte[] {0}, entry);
    }

    static byte[] node(byte[] left, byte[] right) {
        return sha256(new byte[] {1}, left, right);
    }

    static byte[] root(List<byte[]> leaves) {
        if (leaves.size() == 1) return leaves.get(0);
        int split = Integer.highestOneBit(leaves.size() - 1);
        return node(root(leaves.subList(0, split)), root(leaves.subList(split, leaves.size())));
    }

    /** RFC 9162 section 2.1.3.1, leaf side first. */
    static List<byte[]> path(int index, List<byte[]> leaves) {
        if (leaves.size() == 1) return new ArrayList<>();
        int split = Integer.highestOneBit(leaves.size() - 1);
        List<byte[]> left = leaves.subList(0, split);
        List<byte[]> right = leaves.subList(split, leaves.size());
        List<byte[]> found = index < split ? path(index, left) : path(index - split, right);
        found.add(index < split ? root(right) : root(left));
        return found;
    }

    /** RFC 9162 section 2.1.3.2; null where the path has another length. */
    static byte[] rootFrom(byte[] leaf, long index, long size, List<byte[]> path) {
        if (index >= size) return null;
        long fn = index;
        long sn = size - 1;
        byte[] found = leaf;
        for (byte[] each : path) {
            if (sn == 0) return null;
            if ((fn & 1) == 1 || fn == sn) {
                found = node(each, found);
                while ((fn & 1) == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                found = node(found, each);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 ? found : null;
    }

    static int partition(byte[] key, int count) {
        return (murmur2(key) & 0x7fffffff) % count;
    }

    static int murmur2(byte[] data) {
        int m = 0x5bd1e995;
        int h = 0x9747b28c ^ data.length;
        int words = data.length / 4;
        for (int index = 0; index < words; index++) {
            int k = ByteBuffer.wrap(data, index * 4, 4).order(java.nio.ByteOrder.LITTLE_ENDIAN).getInt() * m;
            k = (k ^ k >>> 24) * m;
            h = h * m ^ k;
        }
        int rest = data.length % 4;
        for (int index = rest; index > 0; index--) h ^= (data[words * 4 + index - 1] & 0xff) << (index - 1) * 8;
        if (rest > 0) h *= m;
        h = (h ^ h >>> 13) * m;
        return h ^ h >>> 15;
    }
}
