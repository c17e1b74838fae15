package filter;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.rocketmq.filter.expression.Expression;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.expression.MQFilterException;
import org.apache.rocketmq.filter.parser.ParseException;
import org.apache.rocketmq.filter.parser.SelectorParser;

/**
 * Prints what Apache's own classes make of many SQL92 expressions: test/fixtures/sql92/table.jsonl is its output, and
 * test/interop/filter-table.test.ts compares the two. The first line has the property sets; each other line is
 * [expression, results], one letter for each set: T true, F false, U unknown (null), E an exception; or
 * [expression, null, line, column] where the expression is refused, with the position where Apache gives one.
 */
public class FilterTable {
    static final long SEED = 20240607;
    static final int SETS = 48;
    static final int SMALL = 3400;
    static final int LARGE = 1600;
    static final int BROKEN = 1600;
    static final int SIGN_PLUS = 34;

    public static void main(String[] args) {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.US_ASCII);
        Expressions expressions = new Expressions(new Random(SEED));
        List<Map<String, String>> sets = expressions.propertySets(SETS);
        out.println("{\"seed\":" + SEED + ",\"sets\":" + json(sets) + "}");
        Set<String> all = new LinkedHashSet<>(Written.EXPRESSIONS);
        while (all.size() < Written.EXPRESSIONS.size() + SMALL) all.add(expressions.small());
        int valid = all.size();
        while (all.size() < valid + LARGE) all.add(expressions.large());
        List<String> whole = new ArrayList<>(all);
        int unbroken = all.size();
        while (all.size() < unbroken + BROKEN) all.add(expressions.broken(whole));
        for (String expression : all) out.println(row(expression, sets));
        out.flush();
    }

    static String row(String expression, List<Map<String, String>> sets) {
        Expression parsed;
        try {
            parsed = SelectorParser.parse(expression);
        } catch (MQFilterException e) {
            return "[" + json(expression) + ",null" + position(e.getCause()) + "]";
        }
        StringBuilder results = new StringBuilder();
        for (Map<String, String> properties : sets) results.append(result(parsed, properties));
        return "[" + json(expression) + ",\"" + results + "\"]";
    }

    /** Inside of a unary plus the parser only says where that stands; and nothing has no line. */
    static String position(Throwable cause) {
        if (!(cause instanceof ParseException) || ((ParseException) cause).currentToken == null) return "";
        org.apache.rocketmq.filter.parser.Token at = ((ParseException) cause).currentToken.next;
        return at.kind == SIGN_PLUS || at.beginLine == 0 ? "" : "," + at.beginLine + "," + at.beginColumn;
    }

    static char result(Expression expression, Map<String, String> properties) {
        Object value;
        try {
            value = expression.evaluate(new Context(properties));
        } catch (Throwable e) {
            return 'E';
        }
        return value == null ? 'U' : Boolean.TRUE.equals(value) ? 'T' : 'F';
    }

    /** As org.apache.rocketmq.broker.filter.MessageEvaluationContext: properties are texts. */
    static class Context implements EvaluationContext {
        private final Map<String, String> properties;

        Context(Map<String, String> properties) {
            this.properties = properties;
        }

        public Object get(String name) {
            return properties.get(name);
        }

        public Map<String, Object> keyValues() {
            return new LinkedHashMap<String, Object>(properties);
        }
    }

    static String json(List<Map<String, String>> sets) {
        List<String> objects = new ArrayList<>();
        for (Map<String, String> set : sets) {
            List<String> fields = new ArrayList<>();
            for (Map.Entry<String, String> entry : set.entrySet()) {
                fields.add(json(entry.getKey()) + ":" + json(entry.getValue()));
            }
            objects.add("{" + String.join(",", fields) + "}");
        }
        return "[" + String.join(",", objects) + "]";
    }

    static String json(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') json.append('\\').append(c);
            else if (c < 0x20 || c > 0x7e) json.append(String.format("\\u%04x", (int) c));
            else json.append(c);
        }
        return json.append('"').toString();
    }
}
