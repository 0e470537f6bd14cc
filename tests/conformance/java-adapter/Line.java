import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.ClusterResource;
import org.apache.kafka.common.ClusterResourceListener;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The broker: read feed and directory from their beginning, write the inbox. Nothing is ever committed. */
final class Line implements AutoCloseable {
    /** Whoever reads values is told of the cluster with every new metadata. */
    private static final class Values extends ByteArrayDeserializer implements ClusterResourceListener {
        private volatile String cluster;

        @Override
        public void onUpdate(ClusterResource resource) {
            cluster = resource.clusterId();
        }
    }

    private static final String DIRECTORY = "hub.directory";
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Values values = new Values();
    private String known;
    private final TopicPartition directory = new TopicPartition(DIRECTORY, 0);

    Line(String bootstrap, String unit) {
        Properties common = new Properties();
        common.put("bootstrap.servers", bootstrap);
        common.put("metadata.max.age.ms", "1000");
        Properties reading = copy(common, Map.of("auto.offset.reset", "earliest", "enable.auto.commit", "false", "fetch.max.wait.ms", "20"));
        consumer = new KafkaConsumer<>(reading, new ByteArrayDeserializer(), values);
        List<TopicPartition> places = List.of(directory, new TopicPartition("feed." + unit, 0));
        consumer.assign(places);
        consumer.seekToBeginning(places);
        Properties writing = copy(common, Map.of("acks", "all", "enable.idempotence", "false", "max.in.flight.requests.per.connection", "1"));
        producer = new KafkaProducer<>(writing, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static Properties copy(Properties common, Map<String, String> more) {
        Properties all = new Properties();
        all.putAll(common);
        all.putAll(more);
        return all;
    }

    /** What came, trust lists before everything else. */
    List<ConsumerRecord<byte[], byte[]>> poll() {
        List<ConsumerRecord<byte[], byte[]>> found = new ArrayList<>();
        List<ConsumerRecord<byte[], byte[]>> feed = new ArrayList<>();
        String cluster = values.cluster;
        if (cluster != null && !cluster.equals(known)) consumer.seekToBeginning(consumer.assignment());
        known = cluster;
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(30))) {
            (isList(record) ? found : feed).add(record);
        }
        found.addAll(feed);
        return found;
    }

    static boolean isList(ConsumerRecord<byte[], byte[]> record) {
        return record.topic().equals(DIRECTORY);
    }

    /** The cluster id, null before it is known: another one is another broker, without what the one before had. */
    String incarnation() {
        return values.cluster;
    }

    Future<RecordMetadata> send(Signed signed, String key, int partition) {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>("hub.inbox", partition, Bytes.utf8(key), signed.payload());
        record.headers().add("content-type", Bytes.utf8(Bytes.MESSAGE));
        record.headers().add("dsse-keyid", signed.keyId().getBytes(StandardCharsets.US_ASCII));
        record.headers().add("dsse-sig", Bytes.utf8(Bytes.base64(signed.signature())));
        if (signed.proof() != null) {
            record.headers().add("spojka-batch", Bytes.join(Bytes.u64(signed.proof().size()), Bytes.u64(signed.proof().index())));
            record.headers().add("spojka-proof", Bytes.join(signed.proof().path().toArray(new byte[0][])));
        }
        return producer.send(record);
    }

    @Override
    public void close() {
        consumer.close();
        producer.close();
    }
}
