import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.ApiVersions;
import org.apache.kafka.clients.ClientRequest;
import org.apache.kafka.clients.ClientResponse;
import org.apache.kafka.clients.ClientUtils;
import org.apache.kafka.clients.DefaultHostResolver;
import org.apache.kafka.clients.KafkaClient;
import org.apache.kafka.clients.ManualMetadataUpdater;
import org.apache.kafka.clients.NetworkClientUtils;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.record.BaseRecords;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;

/**
 * Sends a broker whatever it is told to, signed in as one user, and tells what came back: for tests that enumerate Kafka's whole protocol.
 *
 * <p>{@code Probe SETTINGS HOST PORT}: the first line printed names every API that the broker offers to clients. Then each line read,
 * {@code {"api": NAME, "body": {…}, "latest": n}}, is a request whose missing fields are Kafka's defaults ({@code latest}: no newer version than
 * that); each line printed is its answer, {@code {"api", "errors": […], "answer": {…}}}.
 */
final class Probe {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PATIENCE = 20_000;
    private static final Time TIME = Time.SYSTEM;

    private Probe() {}

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        try (FileReader file = new FileReader(arguments[0], StandardCharsets.UTF_8)) {
            settings.load(file);
        }
        Node node = new Node(1, arguments[1], Integer.parseInt(arguments[2]));
        settings.put("bootstrap.servers", node.host() + ":" + node.port());
        ApiVersions versions = new ApiVersions();
        try (Metrics metrics = new Metrics();
                KafkaClient client = client(new AdminClientConfig(settings), metrics, versions)) {
            if (!NetworkClientUtils.awaitReady(client, node, TIME, PATIENCE)) {
                throw new IllegalStateException("no connection");
            }
            System.out.println(JSON.writeValueAsString(
                    versions.get(node.idString()).allSupportedApiVersions().keySet().stream().map(ApiKeys::name).sorted().toList()));
            BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                System.out.println(JSON.writeValueAsString(answer(client, node, JSON.readTree(line))));
            }
        }
    }

    private static KafkaClient client(AdminClientConfig config, Metrics metrics, ApiVersions versions) {
        return ClientUtils.createNetworkClient(
                config, "probe", metrics, "probe", new LogContext(), versions, TIME, 1, PATIENCE,
                new ManualMetadataUpdater(), new DefaultHostResolver());
    }

    private static ObjectNode answer(KafkaClient client, Node node, JsonNode asked) throws Exception {
        ApiKeys api = ApiKeys.valueOf(asked.get("api").asText());
        ApiMessage data = api.messageType.newRequest();
        fill(data, asked.path("body"));
        short latest = (short) asked.path("latest").asInt(api.latestVersion(true));
        AbstractRequest.Builder<AbstractRequest> builder = new AbstractRequest.Builder<>(api, api.oldestVersion(), latest) {
            @Override
            public AbstractRequest build(short version) {
                return AbstractRequest.parseRequest(api, version, MessageUtil.toByteBufferAccessor(data, version)).request;
            }
        };
        if (!NetworkClientUtils.awaitReady(client, node, TIME, PATIENCE)) {
            throw new IllegalStateException("no connection");
        }
        ClientRequest request = client.newClientRequest(node.idString(), builder, TIME.milliseconds(), true, PATIENCE, null);
        ObjectNode told = JSON.createObjectNode().put("api", api.name());
        ClientResponse response;
        try {
            response = NetworkClientUtils.sendAndReceive(client, request, TIME);
        } catch (java.io.IOException closed) {
            told.putArray("errors").add("DISCONNECTED");
            return told;
        }
        if (response.versionMismatch() != null) {
            throw response.versionMismatch();
        }
        var errors = told.putArray("errors");
        response.responseBody().errorCounts().keySet().forEach(error -> errors.add(error.name()));
        ApiMessage answered = response.responseBody().data();
        Class<?> converter = Class.forName(answered.getClass().getName() + "JsonConverter");
        told.set("answer", (JsonNode) converter.getMethod("write", answered.getClass(), short.class)
                .invoke(null, answered, response.requestHeader().apiVersion()));
        return told;
    }

    private static void fill(Object data, JsonNode given) throws ReflectiveOperationException {
        for (Map.Entry<String, JsonNode> one : given.properties()) {
            Field field = data.getClass().getDeclaredField(one.getKey());
            field.setAccessible(true);
            field.set(data, value(field.getType(), field.getGenericType(), one.getValue()));
        }
    }

    private static Object value(Class<?> type, Type full, JsonNode given) throws ReflectiveOperationException {
        if (given.isNull()) {
            return null;
        }
        if (type == String.class) {
            return given.asText();
        }
        if (type == boolean.class) {
            return given.asBoolean();
        }
        if (type == byte.class || type == Byte.class) {
            return (byte) given.asInt();
        }
        if (type == short.class || type == Short.class) {
            return (short) given.asInt();
        }
        if (type == int.class || type == Integer.class) {
            return given.asInt();
        }
        if (type == long.class || type == Long.class) {
            return given.asLong();
        }
        if (type == double.class) {
            return given.asDouble();
        }
        if (type == byte[].class) {
            return given.asText().getBytes(StandardCharsets.UTF_8);
        }
        if (type == ByteBuffer.class) {
            return ByteBuffer.wrap(given.asText().getBytes(StandardCharsets.UTF_8));
        }
        if (type == Uuid.class) {
            return Uuid.fromString(given.asText());
        }
        if (type == BaseRecords.class) {
            return MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(given.asText().getBytes(StandardCharsets.UTF_8)));
        }
        if (Collection.class.isAssignableFrom(type)) {
            return many(type, full, given);
        }
        Object struct = made(type);
        fill(struct, given);
        return struct;
    }

    @SuppressWarnings("unchecked")
    private static Object many(Class<?> type, Type full, JsonNode given) throws ReflectiveOperationException {
        boolean list = type == List.class;
        Type elements = ((ParameterizedType) (list ? full : type.getGenericSuperclass())).getActualTypeArguments()[0];
        Collection<Object> found = list ? new java.util.ArrayList<>() : (Collection<Object>) made(type);
        for (JsonNode one : given) {
            found.add(value((Class<?>) elements, elements, one));
        }
        return found;
    }

    private static Object made(Class<?> type) throws ReflectiveOperationException {
        Constructor<?> constructor = type.getDeclaredConstructor();
        constructor.setAccessible(true);
        Object made = constructor.newInstance();
        assert made instanceof Message || made instanceof Collection;
        return made;
    }
}
