import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Strict JSON (RFC 8259, RFC 7493): one object, no member twice, no byte order mark, nothing behind it; whole numbers within 2^53 - 1. */
final class Json {
    static final class Fault extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Fault(String what) {
            super(what);
        }
    }

    private static final int DEEPEST = 64;
    private static final long LARGEST = (1L << 53) - 1;
    private final String text;
    private final boolean lenient;
    private int at;
    private int depth;

    private Json(String text, boolean lenient) {
        this.text = text;
        this.lenient = lenient;
    }

    static Map<String, Object> parse(byte[] raw) {
        return parse(raw, false);
    }

    /** `lenient` keeps the last of duplicate members, as many libraries do: the planted defect. */
    static Map<String, Object> parse(byte[] raw, boolean lenient) {
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT).decode(ByteBuffer.wrap(raw)).toString();
        } catch (CharacterCodingException error) {
            throw new Fault("not UTF-8");
        }
        Json reader = new Json(text, lenient);
        reader.space();
        Object value = reader.value();
        reader.space();
        if (reader.at != text.length()) throw new Fault("bytes behind the object");
        return object(value);
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Object value) {
        if (!(value instanceof Map)) throw new Fault("not an object");
        return (Map<String, Object>) value;
    }

    static List<?> list(Object value) {
        if (!(value instanceof List)) throw new Fault("not an array");
        return (List<?>) value;
    }

    static String string(Map<String, Object> object, String name) {
        Object value = object.get(name);
        if (!(value instanceof String)) throw new Fault(name + " is no string");
        return (String) value;
    }

    static long number(Map<String, Object> object, String name) {
        Object value = object.get(name);
        if (!(value instanceof Long)) throw new Fault(name + " is no whole number");
        return (Long) value;
    }

    private Object value() {
        if (at >= text.length()) throw new Fault("cut short");
        char next = text.charAt(at);
        if (next == '{') return members();
        if (next == '[') return elements();
        if (next == '"') return text();
        for (String word : new String[] {"true", "false", "null"}) {
            if (text.startsWith(word, at)) {
                at += word.length();
                return word.equals("null") ? null : (Object) word.equals("true");
            }
        }
        return numeral();
    }

    private Map<String, Object> members() {
        enter();
        Map<String, Object> found = new LinkedHashMap<>();
        for (boolean first = true; !closes('}', first); first = false) {
            if (text.charAt(at) != '"') throw new Fault("a member without a name");
            String name = text();
            space();
            take(':');
            space();
            if (found.containsKey(name) && !lenient) throw new Fault("a member twice");
            found.put(name, value());
        }
        return found;
    }

    private List<Object> elements() {
        enter();
        List<Object> found = new ArrayList<>();
        for (boolean first = true; !closes(']', first); first = false) found.add(value());
        return found;
    }

    private void enter() {
        at++;
        if (++depth > DEEPEST) throw new Fault("nested too deep");
        space();
    }

    /** At the end of an object or array; else past the comma before the next one. */
    private boolean closes(char end, boolean first) {
        space();
        if (at >= text.length()) throw new Fault("cut short");
        if (text.charAt(at) == end) {
            at++;
            depth--;
            return true;
        }
        if (!first) {
            take(',');
            space();
            if (at >= text.length() || text.charAt(at) == end) throw new Fault("a comma too many");
        }
        return false;
    }

    private String text() {
        StringBuilder found = new StringBuilder();
        for (at++; ; at++) {
            if (at >= text.length()) throw new Fault("cut short");
            char next = text.charAt(at);
            if (next == '"') break;
            if (next < ' ') throw new Fault("a control character");
            found.append(next == '\\' ? escape() : next);
        }
        at++;
        for (int index = 0; index < found.length(); index++) {
            char one = found.charAt(index);
            boolean pair = Character.isHighSurrogate(one) && index + 1 < found.length()
                && Character.isLowSurrogate(found.charAt(index + 1));
            if (Character.isSurrogate(one) && !pair) throw new Fault("half a character");
            if (pair) index++;
        }
        return found.toString();
    }

    private char escape() {
        at++;
        if (at >= text.length()) throw new Fault("cut short");
        int simple = "\"\\/bfnrt".indexOf(text.charAt(at));
        if (simple >= 0) return "\"\\/\b\f\n\r\t".charAt(simple);
        if (text.charAt(at) != 'u' || at + 4 >= text.length()) throw new Fault("no such escape");
        String digits = text.substring(at + 1, at + 5);
        if (!digits.matches("[0-9a-fA-F]{4}")) throw new Fault("no such escape");
        at += 4;
        return (char) Integer.parseInt(digits, 16);
    }

    private Object numeral() {
        java.util.regex.Matcher found =
            java.util.regex.Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?").matcher(text);
        if (!found.find(at) || found.start() != at) throw new Fault("not JSON");
        at = found.end();
        if (found.group(2) != null || found.group(3) != null) {
            double number = Double.parseDouble(found.group());
            if (Double.isInfinite(number)) throw new Fault("too large");
            return number;
        }
        if (found.group().length() > 17) throw new Fault("too large");
        long number = Long.parseLong(found.group());
        if (Math.abs(number) > LARGEST) throw new Fault("too large");
        return number;
    }

    private void space() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) at++;
    }

    private void take(char wanted) {
        if (at >= text.length() || text.charAt(at) != wanted) throw new Fault("no " + wanted + " where it belongs");
        at++;
    }

    static byte[] write(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out, "");
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** With a space behind every comma and colon: another writing of the same document. */
    static byte[] writeSpaced(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out, " ");
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void write(Object value, StringBuilder out, String gap) {
        if (value instanceof Map) {
            String before = "{";
            for (Map.Entry<String, Object> member : object(value).entrySet()) {
                out.append(before);
                quote(member.getKey(), out);
                out.append(':').append(gap);
                write(member.getValue(), out, gap);
                before = "," + gap;
            }
            out.append(before.equals("{") ? "{}" : "}");
        } else if (value instanceof List) {
            String before = "[";
            for (Object one : (List<?>) value) {
                out.append(before);
                write(one, out, gap);
                before = "," + gap;
            }
            out.append(before.equals("[") ? "[]" : "]");
        } else if (value instanceof String) {
            quote((String) value, out);
        } else {
            out.append(value);
        }
    }

    private static void quote(String text, StringBuilder out) {
        out.append('"');
        for (char one : text.toCharArray()) {
            if (one == '"' || one == '\\') out.append('\\').append(one);
            else if (one < ' ') out.append(String.format("\\u%04x", (int) one));
            else out.append(one);
        }
        out.append('"');
    }

    static Map<String, Object> of(Object... namesAndValues) {
        Map<String, Object> found = new LinkedHashMap<>();
        for (int index = 0; index < namesAndValues.length; index += 2) {
            if (namesAndValues[index + 1] != null) found.put((String) namesAndValues[index], namesAndValues[index + 1]);
        }
        return found;
    }
}
