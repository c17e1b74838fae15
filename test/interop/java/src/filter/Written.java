package filter;

import java.util.Arrays;
import java.util.List;

/** Expressions written by hand: those of Apache's own tests, and one for each rule that chance may miss. */
class Written {
    static final List<String> EXPRESSIONS = Arrays.asList(
        // Of ParserTest, ExpressionTest and SqlFilterIT.
        "a=3 and b<>4 And c>5 AND d<=4", "a=3  and    b<>4 And c>5 AND d<=4", "a=3 or b<>4 Or c>5 OR d<=4",
        "a in ('3', '4', '5')", "(a not in ('6', '4', '5')) or (b in ('3', '4', '5'))",
        "(a between 2 and 10) AND (b not between 6 and 9)", "a is null", "a is not null", "a <= now",
        "a and between 2 and 10", " a between 10 and 0", "a > 100000000000000000000000", "a not in ('3', '4', '5')",
        "a between 2 and 10", "a not between 2 and 10", "a is not null and a='hello'", "a=TRUE OR b=FALSE",
        "a is null OR a='hello'", "TAGS is not null and TAGS='''''tag'''''", "a between up and low", "a between b and c",
        "a=b", "a<>b", "a > 3.1E10", "a > 3.14", "a > b", "(TAGS is not null and TAGS in ('TagA','TagB'))",
        "(TAGS is not null and TAGS in ('TagA', 'TagB')) and (a is not null and a between 0 and 3)",
        // What is no condition, and what stands behind one.
        "", " ", "a", "$d", "missing", "'x'", "5", "TRUE", "false", "NULL", "not null", "(a)", "((a = 5))", "-a", "-5", "+a", "+ +a",
        "a = 5 b", "a = 5 )", "a = 5 'x'", "a = 5 ''' ", "a '''", "a = ''' ", "a = 'x'''' y", "a IN (''')", "a = 5 @", "a = 5 'x", "a = 5 /*", "a = 5 -- x", "a = 5 --\n", "a = 5 /* x */", "a = 5 and",
        "a = 5 or or b", "a = 5 5", "a = 007", "a = 0L", "a = 5Lb", "a = 5e", "a = 5.e", "a = 5.e1", "a = .", "a = ..5", "a = 5..",
        "a == 5", "a != 5", "a >>> 5", "a > = 5", "a < > 5", "a => 5", "a like 'x'", "a + 1 > 5", "a * 2 > 5", "abs(a) > 5", "a[0] = 5",
        "a.b = 5", "a-b = 5", "\"a\" = 5", "a = \"5\"", "`a` = 5", "?", ";", "a = 5;", "a = 5\u00a0", "\u00e4 = 5", "a\u00e4 = 5",
        "a = '\u00e4'", "a = '\ud83d\ude00'", "a = 'x\ny'", "a\n=\r\n5\r", "a\t=\t>", "\n\n  a >> 5", "a = 5\r\nand >", "\t\ta IS 5",
        // NOT, IS, IN, BETWEEN at their edges.
        "a NOT", "a NOT b", "a NOT 5", "a NOT = 5", "a NOT NULL", "a IS", "a IS a", "a IS NOT", "a IS NOT 5", "a IS TRUE", "a IS NULL IS NULL",
        "a IS NOT NULL IS NOT NULL", "NULL IS NULL", "5 IS NULL", "'x' IS NOT NULL", "TRUE IS NULL", "-a IS NULL", "-5 IS NULL",
        "(a > 5) IS NULL", "(a = 5) IS NULL", "(a IN ('5')) IS NULL", "(missing > 5) IS NOT NULL", "a IN", "a IN (", "a IN ()", "a IN (5)",
        "a IN ('5'", "a IN ('5',)", "a IN ('5' '6')", "a IN ('5', '6', '7', '8', 'abc', 'TagA')", "a NOT IN ('5', '6', '7', '8', 'abc', 'TagA')",
        "5 IN ('5')", "'5' IN ('5')", "(a) IN ('5')", "(a = 5) IN ('5')", "-a IN ('5')", "a IN (a)", "a BETWEEN", "a BETWEEN 1", "a BETWEEN 1 OR 2",
        "a BETWEEN 1 AND", "a BETWEEN 5 AND 5", "a BETWEEN 5 AND 4", "a NOT BETWEEN 5 AND 4", "a BETWEEN -5 AND -10", "a BETWEEN 5 AND 4.9",
        "a BETWEEN 4.9 AND 5", "a BETWEEN '1' AND '5'", "a BETWEEN 'x' AND 5", "a BETWEEN NULL AND 5", "a BETWEEN 1 AND NULL", "a BETWEEN TRUE AND FALSE",
        "a BETWEEN b AND missing", "a BETWEEN missing AND c", "5 BETWEEN a AND b", "missing BETWEEN 1 AND 5", "-a BETWEEN 1 AND 5", "'5' BETWEEN 1 AND 5",
        "(a = 5) BETWEEN 1 AND 5", "-(a = 5) BETWEEN 1 AND 5", "-(-(a > 5) BETWEEN 1 AND 5) BETWEEN 1 AND 5",
        "a BETWEEN 9223372036854775807 AND 9223372036854775807.0", "a BETWEEN 9007199254740993 AND 9007199254740992.0",
        "a BETWEEN 9223372036854775807 AND 9223372036854774000.0", "a BETWEEN 1 AND 5 AND b > 3", "NOT a BETWEEN 1 AND 5", "a NOT IN ('5') = TRUE",
        // Types on both sides of = and <>.
        "a = NULL", "NULL = a", "a <> NULL", "NULL = NULL", "a = TRUE", "TRUE = a", "FALSE <> a", "TRUE = TRUE", "TRUE = FALSE", "TRUE = 5", "5 = TRUE",
        "'true' = TRUE", "TRUE = 'true'", "5 = '5'", "'5' = 5", "5 = 5.0", "5.0 = 5", "5 = 5L", "'a' = 'a'", "'a' <> 'b'", "a = '5'", "a <> '5'", "a = missing",
        "missing = a", "missing = missing", "missing <> missing", "a <> missing", "(a > 5) = TRUE", "TRUE = (a > 5)", "(a > 5) = (b > 5)", "(a > 5) = b",
        "b = (a > 5)", "(a > 5) = 5", "5 = (a > 5)", "(a > 5) = 'true'", "(a = 'x') = NULL", "a = 5 = TRUE", "a = b = c", "a = 5 <> FALSE", "-a = 5", "5 = -a",
        "-5 = -5", "-5 = -5L", "a = -5", "a = --5", "a = - -5", "a = +-5", "a = -+5", "-'5' = a", "-TRUE = a", "-NULL = a", "-(a = 5) = b", "-(a > 5) = missing",
        "2147483648 = 2147483648.0", "-2147483648 = a", "a = 9223372036854775807", "a = -9223372036854775807", "a = -9223372036854775808", "a = 9007199254740993",
        "a = 0.1", "a = 1e400", "a = 1e-400", "a = 0.0", "a = 0", "a = -0", "a = 4.9E-324", "a = 2E-324", "a > 1.7976931348623157E308", "a > 1.8E308",
        // Order.
        "a > 'x'", "'x' > a", "a > TRUE", "TRUE > a", "a > NULL", "(a > 5) > 5", "a > 5 > 6", "a > (b > 5)", "-'x' > 5", "-a > 5", "5 > -a", "5 > 3", "5 > a", "5 >= b",
        "a > b > c", "a >= b", "a < b", "a <= b", "a > a", "missing > a", "a > missing", "a > -(b = 5)", "-(b = 5) > missing", "missing > -(b = 5)", "5L > a", "5.5 < a",
        // AND, OR and NOT of three values and of failures.
        "missing > 5 OR TRUE", "TRUE OR missing > 5", "missing > 5 AND FALSE", "FALSE AND missing > 5", "missing > 5 AND TRUE", "missing > 5 OR FALSE",
        "a > 5 OR TRUE", "TRUE OR a > 5", "a > 5 AND FALSE", "FALSE AND a > 5", "missing > 5 OR missing < 5 OR a IS NOT NULL", "missing > 5 AND a > 5",
        "NOT missing > 5", "NOT a > 5", "NOT a", "NOT missing", "NOT NOT a = '5'", "NOT (a = '5' OR b = '5')", "NOT 5", "NOT 'x'", "NOT -a", "NOT TRUE", "NOT NULL",
        "a OR b", "a AND TRUE", "missing OR TRUE", "5 OR TRUE", "TRUE OR 5", "'x' AND a", "-5 AND a", "a = '5' OR b = '5' AND c = '5'", "(a = '5' OR b = '5') AND c = '5'",
        // CONTAINS and its kin.
        "a CONTAINS 'b'", "a NOT CONTAINS 'b'", "a STARTSWITH 'a'", "a NOT STARTSWITH 'a'", "a ENDSWITH 'c'", "a NOT ENDSWITH 'c'", "a CONTAINS ''", "a NOT CONTAINS ''",
        "a STARTSWITH ''", "a NOT ENDSWITH ''", "missing CONTAINS 'a'", "missing NOT CONTAINS 'a'", "a CONTAINS 5", "a CONTAINS b", "a CONTAINS TRUE", "a CONTAINS", "a NOT CONTAINS 5",
        "'abc' CONTAINS 'b'", "5 CONTAINS '5'", "5 NOT CONTAINS '5'", "TRUE CONTAINS 'T'", "NULL NOT CONTAINS 'x'", "(a > 5) CONTAINS 'x'", "-(a > 5) NOT CONTAINS 'x'",
        "(a > 5) CONTAINS ''", "a CONTAINS 'b' CONTAINS 'c'", "a CONTAINS 'b' = TRUE", "a CONTAINS 'b' > 5", "a CONTAINS 'it''s'", "a ENDSWITH '\u00ef'", "contains = 5", "a contains 'B'",
        "not a contains 'b'", "a not startswith 'b' or c",
        // Comments and signs.
        "-- c\na = 5", "--c\r\na = 5", "--c\ra = 5", "/**/a/***/=/* * / **/5", "/*/ a = 5", "/* a = 5", "a /* x */ = /* y */ 5", "a --5\n = 5", "a = -- c\n5", "a = --5", "+(a = 5)", "+(a > )",
        "+ + (a = + 5)", "-(-5) = a", "(+a) IN ('5')", "+a IN ('5')", "(((((((((a = 5)))))))))", "((a = 5)", "(a = 5))", "()", "(a = 5) (b = 5)", "a,b", "tRuE", "nUlL is NULL", "IS", "AND", "a AND AND b",
        "between between 1 and 2", "$ = 5", "_ = '5'", "$$ IS NULL", "a1$_ = '5'", "1a = 5", "A = a", "TAGS = 'TagA' or tags = 'TagA'"
    );
}
