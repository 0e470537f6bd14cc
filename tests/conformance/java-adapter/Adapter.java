import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A small adapter made from the published schemas and catalogue alone: it enrols, publishes, waits for receipts, reads its feed.
 *
 * java -cp KAFKA_JARS:CLASSES Adapter enrol | run | act | vectors [--name value ...]
 */
public final class Adapter {
    private Adapter() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int index = 1; index + 1 < arguments.length; index += 2) options.put(arguments[index].substring(2), arguments[index + 1]);
        switch (arguments[0]) {
            case "enrol" -> enrol(options);
            case "run" -> run(options);
            case "act" -> act(Path.of(options.get("home")));
            case "vectors" -> Vectors.answer(System.in, System.out, new Defects(options.get("defect")));
            default -> throw new IllegalArgumentException("enrol, run, act or vectors");
        }
    }

    /** Makes the key and prints the request for admission (contracts/admission.py): public key and proof of possession. */
    private static void enrol(Map<String, String> options) throws IOException {
        Path home = Files.createDirectories(Path.of(options.get("home")));
        String unit = options.get("unit");
        byte[] seed = new byte[32];
        new SecureRandom().nextBytes(seed);
        Map<String, Object> settings = Json.of("programme", options.get("programme"), "unit", unit, "seed", Bytes.hex(seed));
        Files.write(home.resolve("unit.json"), Json.write(settings));
        byte[] publicKey = Bytes.publicOf(seed);
        String keyId = unit + "/messages/" + Bytes.hex(Bytes.sha256(publicKey)).substring(0, 16);
        byte[] challenge = Bytes.utf8(keyId + "\n" + unit);
        byte[] proof = Bytes.sign(seed, Bytes.pae("application/vnd.spojka.possession", challenge));
        Map<String, Object> key = Json.of("key_id", keyId, "public_key", Bytes.base64(publicKey), "proof", Bytes.base64(proof));
        Map<String, Object> request = Json.of("programme", options.get("programme"), "unit", unit,
            "institution", options.get("institution"), "institution_name", options.get("name"), "name", options.get("name"),
            "keys", List.of(key));
        System.out.println(new String(Json.write(request), StandardCharsets.UTF_8));
    }

    private static void run(Map<String, String> options) throws Exception {
        Path home = Path.of(options.get("home"));
        Map<String, Object> settings = Json.parse(Files.readAllBytes(home.resolve("unit.json")));
        Defects defects = new Defects(options.get("defect"));
        String programme = Json.string(settings, "programme");
        String unit = Json.string(settings, "unit");
        TrustList first = TrustList.first(Files.readString(home.resolve("trust-list-1.dsse.json")).strip().getBytes(StandardCharsets.UTF_8));
        Desk desk = new Desk(home, programme, unit, Bytes.unhex(Json.string(settings, "seed")), defects);
        try (Line line = new Line(options.get("bootstrap"), unit)) {
            new Work(home, desk, new Feed(programme, unit, defects), first, line, defects).forEver();
        }
    }

    /** Leaves a wish (JSON on standard input) for the running adapter: there, or not there, never half. */
    private static void act(Path home) throws IOException {
        byte[] wish = System.in.readAllBytes();
        Json.parse(wish);
        Path wishes = Files.createDirectories(home.resolve("wishes"));
        String name = String.format("%020d", System.nanoTime());
        Path half = Files.write(home.resolve("wish-" + name), wish);
        Files.move(half, wishes.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }

    /** The wishes that wait, oldest first. */
    static List<Path> wishes(Path home) throws IOException {
        Path folder = Files.createDirectories(home.resolve("wishes"));
        try (java.util.stream.Stream<Path> files = Files.list(folder)) {
            Path[] found = files.toArray(Path[]::new);
            Arrays.sort(found);
            return Arrays.asList(found);
        }
    }
}
