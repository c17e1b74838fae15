package filter;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Expressions and properties by chance: right ones, ones of wrong types, and broken ones. */
class Expressions {
    static final String[] NAMES = {"a", "b", "c", "$d", "_e", "TAGS", "missing", "A", "a1$_"};
    static final String[] NUMBERS = {
        "0", "1", "3", "5", "10", "42", "5L", "7l", "2147483647", "2147483648", "9223372036854775807",
        "9223372036854775808", "9007199254740993", "9007199254740992.0", "5.0", "5.5", ".5", "5.", "1e3", "1E-3", "5.e0",
        "0.0", "1e400", "4.9E-324", "1.7976931348623157E308", "007", "0.1", "100000000000000000000000",
    };
    static final String[] STRINGS = {
        "'5'", "'5.0'", "'abc'", "''", "'it''s'", "'b'", "'\u00fcn\u00ef'", "'true'", "'TagA'", "'TagB'", "'a b'", "'''", "'NaN'",
    };
    static final String[] VALUES = {
        "5", "5.0", "-5", "+5", " 5 ", "05", "3", "10", "42", "0", "-0.0", "0.1", "2147483647", "2147483648", "-2147483648",
        "-2147483649", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "9007199254740993",
        "9007199254740992", "1e3", "1000", "1000.0", "1E+3d", "0x1p3", "0X.8P4", "-0x1.8p1f", "5f", "5D", "5L", ".5", "5.", ".",
        "+", "-", "e5", "5e", "5e5e", "NaN", "-Infinity", "Infinity", "infinity", "abc", "b", "TagA", "TagB", "true", "TRUE",
        "false", "it's", "\u00fcn\u00ef", "\u0665", "\uff15", "\u09ea", "\ud83d\ude00", "1_000", "1 000", "\t5\n", "1e400", "1e-400",
        "4.9E-324", "2.4703282292062327E-324", "0x1p-1074", "0x1p-1075", "0x1.8p-1075", "0x1.fffffffffffff8p1023",
        "0x1.00000000000008p0", "0x1.000000000000080000000001p0", "0x1p99999999999", "0x0p5",
        "179769313486231580793728971405301e276", "00000000000000000000000000005", "99999999999999999999999",
    };
    static final String[] PLAIN = {"0", "1", "3", "5", "5.0", "7", "10", "-5", "abc", "b", "TagA", "true"};
    static final String[] COMPARISONS = {">", ">=", "<", "<="};
    static final String[] TEXT_TESTS = {"CONTAINS", "STARTSWITH", "ENDSWITH", "contains", "StartsWith", "endswith"};
    static final String PIECES = "()'<>=+-,.@#*/ \t\n\r0159aEeL_$%!|&;:\u00a0\u00e9\"";
    static final String[] WORDS = {"NOT", "AND", "OR", "IS", "NULL", "IN", "BETWEEN", "TRUE", "a", "5", "'x'", "(", ")", "--", "/*", "*/"};

    private final Random random;

    Expressions(Random random) {
        this.random = random;
    }

    List<Map<String, String>> propertySets(int count) {
        List<Map<String, String>> sets = new ArrayList<>();
        sets.add(new LinkedHashMap<String, String>());
        for (int i = 1; i < count; i++) {
            Map<String, String> set = new LinkedHashMap<>();
            // Half of them have what most expressions ask for.
            String[] values = i % 2 == 0 ? VALUES : PLAIN;
            for (String name : NAMES) {
                if (!name.equals("missing") && random.nextInt(6) > 0) set.put(name, pick(values));
            }
            sets.add(set);
        }
        return sets;
    }

    String small() {
        return space() + comparison(1) + space();
    }

    String large() {
        return space() + or(3) + space();
    }

    /** One of those with a character or a word more, less or other. */
    String broken(List<String> whole) {
        String expression = whole.get(random.nextInt(whole.size()));
        int times = 1 + random.nextInt(2);
        for (int i = 0; i < times; i++) {
            int at = random.nextInt(expression.length() + 1);
            int end = Math.min(expression.length(), at + random.nextInt(3));
            String piece = random.nextInt(3) == 0
                ? " " + pick(WORDS) + " "
                : String.valueOf(PIECES.charAt(random.nextInt(PIECES.length())));
            expression = expression.substring(0, at) + (random.nextInt(4) == 0 ? "" : piece) + expression.substring(end);
        }
        return expression;
    }

    private String or(int depth) {
        StringBuilder text = new StringBuilder(and(depth));
        while (random.nextInt(3) == 0) text.append(pick(" OR ", " or ", " Or\n")).append(and(depth));
        return text.toString();
    }

    private String and(int depth) {
        StringBuilder text = new StringBuilder(equality(depth));
        while (random.nextInt(3) == 0) text.append(pick(" AND ", " and ", "\tAnd ")).append(equality(depth));
        return text.toString();
    }

    private String equality(int depth) {
        String text = comparison(depth);
        if (random.nextInt(8) == 0) text += pick(" = ", "<>", " IS NULL", " is not null") + "";
        return text.endsWith("= ") || text.endsWith("<>") ? text + comparison(depth) : text;
    }

    private String comparison(int depth) {
        String left = random.nextInt(4) > 0 ? pick(NAMES) : unary(depth);
        String not = random.nextInt(3) == 0 ? " NOT " : " ";
        switch (random.nextInt(9)) {
            case 0:
            case 1:
                return left + space() + pick(COMPARISONS) + space() + operand(depth);
            case 2:
            case 3:
                return left + space() + pick("=", "<>") + space() + operand(depth);
            case 4:
                return left + not + pick("BETWEEN ", "between ") + operand(depth) + " AND " + operand(depth);
            case 5:
                return left + not + pick("IN ", "in") + list();
            case 6:
                return left + not + pick(TEXT_TESTS) + " " + (random.nextInt(8) > 0 ? pick(STRINGS) : operand(depth));
            case 7:
                return left + pick(" IS NULL", " IS NOT NULL", " is null", " is not null");
            default:
                return depth > 0 ? unary(depth) : pick("TRUE", "false", "NULL", "a", "missing");
        }
    }

    private String list() {
        StringBuilder text = new StringBuilder("(").append(pick(STRINGS));
        while (random.nextInt(3) > 0) text.append(pick(",", ", ")).append(pick(STRINGS));
        return text.append(")").toString();
    }

    private String operand(int depth) {
        int kind = random.nextInt(12);
        if (kind < 8) return (random.nextInt(6) == 0 ? "-" : "") + pick(NUMBERS);
        if (kind < 9) return pick(STRINGS);
        if (kind < 11) return pick(NAMES);
        return random.nextInt(2) == 0 ? pick("TRUE", "FALSE", "NULL") : unary(depth);
    }

    private String unary(int depth) {
        if (depth <= 0) return operand(0);
        switch (random.nextInt(8)) {
            case 0:
                return "-" + unary(depth - 1);
            case 1:
                return "+" + unary(depth - 1);
            case 2:
            case 3:
                return pick("NOT ", "not ") + unary(depth - 1);
            case 4:
            case 5:
                return "(" + or(depth - 1) + ")";
            default:
                return operand(0);
        }
    }

    private String space() {
        return pick(" ", "", "  ", " ", " /* c */ ", " -- c\n");
    }

    private String pick(String... from) {
        return from[random.nextInt(from.length)];
    }
}
