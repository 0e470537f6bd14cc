import java.util.Set;

/** Mistakes that are made on purpose, so that the conformance kit can be seen to find them. */
record Defects(String planted) {
    static final Set<String> ALL = Set.of(
        "wrong-pae", "reserialised", "wrong-proof", "crc32-partitioner", "derived-ids", "number-reused", "resend-new-bytes",
        "never-resends", "receipt-digest-ignored", "hub-signature-unchecked", "hub-proof-unchecked", "any-list", "no-replay",
        "link-ignored", "recipient-ignored", "digest-ignored", "author-unchecked", "duplicate-members", "stops-at-unknown",
        "repeats-counted", "wrong-acknowledgement", "gap-ignored", "jwe-header-unread");

    Defects {
        if (planted != null && !ALL.contains(planted)) throw new IllegalArgumentException("no such defect: " + planted);
    }

    boolean are(String name) {
        return name.equals(planted);
    }
}
