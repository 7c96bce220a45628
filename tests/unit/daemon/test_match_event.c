/*
 * Event patterns. For every operator of Amazon EventBridge's user guide
 * ("Comparison operators for use in event patterns", "Creating event patterns")
 * what is documented of it, as pairs of pattern and event: those that match, and
 * those that do not.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tests/unit/daemon/matching.h"
#include "tests/unit/main.h"

struct row {
	const char *pattern, *body;
	bool matches;
};

/* The instance that is no more, which most of the guide's patterns are about. */
#define INSTANCE                                                                               \
	"{\"version\":\"0\",\"id\":\"6a7e8feb\",\"detail-type\":\"EC2 Instance State-change "  \
	"Notification\",\"source\":\"aws.ec2\",\"account\":\"111122223333\","                  \
	"\"time\":\"2017-12-22T18:43:48Z\",\"region\":\"us-west-1\",\"resources\":"            \
	"[\"arn:aws:ec2:us-west-1:123456789012:instance/i-1\"],\"detail\":"                    \
	"{\"instance-id\":\"i-1\",\"state\":\"terminated\"}}"

static const struct row values[] = {
    /* all fields named must be there, with the same nesting; others do not matter */
    {"{source: [aws.ec2], detail-type: [EC2 Instance State-change Notification], "
     "detail: {state: [terminated]}}",
	INSTANCE, true},
    {"{source: [aws.ec2, aws.fargate]}", INSTANCE, true},
    {"{source: [aws.fargate]}", INSTANCE, false},
    {"{source: [aws.ec2], detail: {state: [running]}}", INSTANCE, false},
    {"{state: [terminated]}", INSTANCE, false},
    {"{detail: {detail: {state: [terminated]}}}", INSTANCE, false},
    {"{resources: ['arn:aws:ec2:us-west-1:123456789012:instance/i-1']}", INSTANCE, true},
    /* character by character */
    {"{a: [x]}", "{\"a\":\"X\"}", false},
    {"{a: [x]}", "{\"a\":\"x \"}", false},
    {"{a: ['\xc3\xa9']}", "{\"a\":\"\\u00e9\"}", true},
    {"{a: ['\xc3\xa9']}", "{\"a\":\"e\\u0301\"}", false},
    {"{'\xc3\xa9': [x]}", "{\"\\u00e9\":\"x\"}", true},
    {"{a: ['say \"hi\"\\']}", "{\"a\":\"say \\\"hi\\\"\\\\\"}", true},
    {"{a~/b: [x]}", "{\"a~/b\":\"x\"}", true},
    {"{a: [x]}", "{\"a\":\"x\\u0000\"}", false},
    /* a name with a dot is one name */
    {"{a.b: [x]}", "{\"a.b\":\"x\"}", true},
    {"{a.b: [x]}", "{\"a\":{\"b\":\"x\"}}", false},
    /* one value stands for a list of one */
    {"{source: aws.ec2, detail: {state: terminated}}", INSTANCE, true},
    {"{source: aws.ec1}", INSTANCE, false},
    /* numbers by their text, which the guide says is not the same for these */
    {"{a: [300]}", "{\"a\":300}", true},
    {"{a: [300]}", "{\"a\":300.0}", false},
    {"{a: [300]}", "{\"a\":3.0e2}", false},
    {"{a: [3.0e2]}", "{\"a\":3.0e2}", true},
    {"{a: [300]}", "{\"a\":\"300\"}", false},
    {"{a: ['300']}", "{\"a\":\"300\"}", true},
    {"{a: ['300']}", "{\"a\":300}", false},
    {"{account: ['111122223333']}", INSTANCE, true},
    {"{a: [-1]}", "{\"a\":-1}", true},
    {"{a: [1e400]}", "{\"a\":\"1e400\"}", false},
    /* what only looks like a number to YAML is a text */
    {"{a: [0x1F, 017, 1_000, +5, .5, yes]}", "{\"a\":\"017\"}", true},
    {"{a: [0x1F, 017, 1_000, +5, .5, yes]}", "{\"a\":17}", false},
    {"{a: [0x1F, 017, 1_000, +5, .5, yes]}", "{\"a\":\"yes\"}", true},
    {"{a: [yes]}", "{\"a\":true}", false},
    /* words */
    {"{a: [true]}", "{\"a\":true}", true},
    {"{a: [true]}", "{\"a\":false}", false},
    {"{a: [true]}", "{\"a\":\"true\"}", false},
    {"{a: ['true']}", "{\"a\":\"true\"}", true},
    {"{a: [false, 1]}", "{\"a\":false}", true},
    /* null is not an empty text, and neither is a missing field */
    {"{a: [null]}", "{\"a\":null}", true},
    {"{a: [~]}", "{\"a\":null}", true},
    {"{a: [null]}", "{\"a\":\"\"}", false},
    {"{a: [null]}", "{\"a\":\"null\"}", false},
    {"{a: [null]}", "{}", false},
    {"{a: [\"\"]}", "{\"a\":\"\"}", true},
    {"{a: [\"\"]}", "{\"a\":null}", false},
    {"{a: [\"\"]}", "{}", false},
    /* the last of members with one name counts */
    {"{a: [2]}", "{\"a\":1,\"a\":2}", true},
    {"{a: [1]}", "{\"a\":1,\"a\":2}", false},
    {"{a: {b: [1]}}", "{\"a\":{\"b\":1},\"a\":{}}", false},
};

static const struct row operators[] = {
    /* prefix */
    {"{time: [{prefix: 2017-10-02}]}", "{\"time\":\"2017-10-02T18:43:48Z\"}", true},
    {"{time: [{prefix: 2017-10-02}]}", "{\"time\":\"2017-10-03T18:43:48Z\"}", false},
    {"{time: [{prefix: 2017}]}", "{\"time\":2017}", false},
    {"{time: [{prefix: 2017}]}", "{\"time\":\"201\"}", false},
    {"{region: [{prefix: us-}]}", INSTANCE, true},
    {"{service: [{prefix: {equals-ignore-case: EventB}}]}", "{\"service\":\"EVENTBridge\"}",
	true},
    {"{service: [{prefix: {equals-ignore-case: EventB}}]}", "{\"service\":\"eventbus\"}", true},
    {"{service: [{prefix: {equals-ignore-case: EventB}}]}", "{\"service\":\"event\"}", false},
    /* suffix */
    {"{FileName: [{suffix: .png}]}", "{\"FileName\":\"cat.png\"}", true},
    {"{FileName: [{suffix: .png}]}", "{\"FileName\":\"cat.PNG\"}", false},
    {"{FileName: [{suffix: .png}]}", "{\"FileName\":\"cat.png.exe\"}", false},
    {"{FileName: [{suffix: {equals-ignore-case: .png}}]}", "{\"FileName\":\"cat.PnG\"}", true},
    {"{FileName: [{suffix: {equals-ignore-case: .png}}]}", "{\"FileName\":\"cat.pn\"}", false},
    /* equals-ignore-case */
    {"{Name: [{equals-ignore-case: alice}]}", "{\"Name\":\"Alice\"}", true},
    {"{Name: [{equals-ignore-case: alice}]}", "{\"Name\":\"ALICE\"}", true},
    {"{Name: [{equals-ignore-case: alice}]}", "{\"Name\":\"alic\"}", false},
    {"{Name: [{equals-ignore-case: alice}]}", "{\"Name\":\"alice2\"}", false},
    /* anything-but: values */
    {"{detail: {state: [{anything-but: initializing}]}}", INSTANCE, true},
    {"{detail: {state: [{anything-but: initializing}]}}",
	"{\"detail\":{\"state\":\"initializing\"}}", false},
    {"{detail: {state: [{anything-but: initializing}]}}", "{\"detail\":{}}", false},
    {"{detail: {state: [{anything-but: initializing}]}}", "{\"detail\":{\"state\":5}}", true},
    {"{detail: {state: [{anything-but: initializing}]}}", "{\"detail\":{\"state\":null}}",
	true},
    {"{x-limit: [{anything-but: 123}]}", "{\"x-limit\":124}", true},
    {"{x-limit: [{anything-but: 123}]}", "{\"x-limit\":123}", false},
    {"{x-limit: [{anything-but: 123}]}", "{\"x-limit\":\"123\"}", true},
    {"{state: [{anything-but: [stopped, overloaded]}]}", "{\"state\":\"running\"}", true},
    {"{state: [{anything-but: [stopped, overloaded]}]}", "{\"state\":\"stopped\"}", false},
    {"{state: [{anything-but: [stopped, overloaded]}]}", "{\"state\":\"overloaded\"}", false},
    {"{x-limit: [{anything-but: [100, 200, 300]}]}", "{\"x-limit\":150}", true},
    {"{x-limit: [{anything-but: [100, 200, 300]}]}", "{\"x-limit\":200}", false},
    /* anything-but: the other operators */
    {"{Region: [{anything-but: {prefix: us-}}]}", "{\"Region\":\"eu-west-1\"}", true},
    {"{Region: [{anything-but: {prefix: us-}}]}", "{\"Region\":\"us-west-1\"}", false},
    {"{Region: [{anything-but: {prefix: us-}}]}", "{\"Region\":7}", true},
    {"{Region: [{anything-but: {prefix: us-}}]}", "{}", false},
    {"{state: [{anything-but: {prefix: [init, error]}}]}", "{\"state\":\"running\"}", true},
    {"{state: [{anything-but: {prefix: [init, error]}}]}", "{\"state\":\"errored\"}", false},
    {"{FileName: [{anything-but: {suffix: .png}}]}", "{\"FileName\":\"a.txt\"}", true},
    {"{FileName: [{anything-but: {suffix: .png}}]}", "{\"FileName\":\"a.png\"}", false},
    {"{FileName: [{anything-but: {suffix: [.png, .rtf]}}]}", "{\"FileName\":\"a.rtf\"}", false},
    {"{FileName: [{anything-but: {suffix: [.png, .rtf]}}]}", "{\"FileName\":\"a.txt\"}", true},
    {"{state: [{anything-but: {equals-ignore-case: initializing}}]}",
	"{\"state\":\"INITIALIZING\"}", false},
    {"{state: [{anything-but: {equals-ignore-case: initializing}}]}", "{\"state\":\"running\"}",
	true},
    {"{state: [{anything-but: {equals-ignore-case: [initializing, stopped]}}]}",
	"{\"state\":\"Stopped\"}", false},
    {"{FilePath: [{anything-but: {wildcard: '*/lib/*'}}]}", "{\"FilePath\":\"/usr/lib/x\"}",
	false},
    {"{FilePath: [{anything-but: {wildcard: '*/lib/*'}}]}", "{\"FilePath\":\"/usr/bin/x\"}",
	true},
    {"{FilePath: [{anything-but: {wildcard: ['*/lib/*', '*/bin/*']}}]}",
	"{\"FilePath\":\"/usr/bin/x\"}", false},
    /* numeric, by value */
    {"{detail: {c-count: [{numeric: [\">\", 0, \"<=\", 5]}], d-count: [{numeric: [\"<\", "
     "10]}], "
     "x-limit: [{numeric: [\"=\", 3.018e2]}]}}",
	"{\"detail\":{\"c-count\":5,\"d-count\":3,\"x-limit\":301.8}}", true},
    {"{c: [{numeric: [\">\", 0, \"<=\", 5]}]}", "{\"c\":0}", false},
    {"{c: [{numeric: [\">\", 0, \"<=\", 5]}]}", "{\"c\":5.000001}", false},
    {"{c: [{numeric: [\">\", 0, \"<=\", 5]}]}", "{\"c\":0.000001}", true},
    {"{c: [{numeric: [\">=\", 10, \"<=\", 10]}]}", "{\"c\":1e1}", true},
    {"{c: [{numeric: [\">=\", 10]}]}", "{\"c\":10}", true},
    {"{c: [{numeric: [\">=\", 10]}]}", "{\"c\":9.999999}", false},
    {"{c: [{numeric: [\"<\", 10]}]}", "{\"c\":10}", false},
    {"{c: [{numeric: [\"<\", -5.0e9]}]}", "{\"c\":-5.0e9}", false},
    {"{c: [{numeric: [\"=\", 300]}]}", "{\"c\":300.0}", true},
    {"{c: [{numeric: [\"=\", 300]}]}", "{\"c\":\"300\"}", false},
    {"{c: [{numeric: [\"=\", 300]}]}", "{\"c\":300.000001}", false},
    {"{c: [{numeric: [\">\", 0]}]}", "{}", false},
    {"{c: [{numeric: [\">\", 0]}]}", "{\"c\":null}", false},
    {"{Price: [{numeric: [\">\", 10, \"<=\", 20]}]}", "{\"Price\":20}", true},
    /* beyond the guide's limits, exact too: times in milliseconds, 64 bits */
    {"{t: [{numeric: [\">\", 1763740800000]}]}", "{\"t\":1763740800001}", true},
    {"{t: [{numeric: [\"=\", 9007199254740993]}]}", "{\"t\":9007199254740992}", false},
    /* cidr */
    {"{ip: [{cidr: 10.0.0.0/24}]}", "{\"ip\":\"10.0.0.33\"}", true},
    {"{ip: [{cidr: 10.0.0.0/24}]}", "{\"ip\":\"10.0.1.0\"}", false},
    {"{ip: [{cidr: 10.0.0.0/24}]}", "{\"ip\":\"10.0.0\"}", false},
    {"{ip: [{cidr: '2001:db8::/32'}]}", "{\"ip\":\"2001:0DB8:1::1\"}", true},
    {"{ip: [{cidr: '2001:db8::/32'}]}", "{\"ip\":\"2001:db9::1\"}", false},
    {"{ip: [{cidr: '2001:db8::/32'}]}", "{\"ip\":\"32.1.13.184\"}", false},
    {"{ip: [{cidr: 0.0.0.0/0}]}", "{\"ip\":\"::1\"}", false},
    /* exists: of a value, not of an object */
    {"{detail: {c-count: [{exists: true}]}}", "{\"detail\":{\"c-count\":5}}", true},
    {"{detail: {c-count: [{exists: true}]}}", "{\"detail\":{\"c-count\":null}}", true},
    {"{detail: {c-count: [{exists: true}]}}", "{\"detail\":{}}", false},
    {"{detail: {c-count: [{exists: true}]}}", "{\"detail\":{\"c-count\":{\"c1\":100}}}", false},
    {"{detail: {c-count: [{exists: false}]}}", "{\"detail\":{\"state\":\"running\"}}", true},
    {"{detail: {c-count: [{exists: false}]}}", "{\"detail\":{\"c-count\":{\"c1\":100}}}", true},
    {"{detail: {c-count: [{exists: false}]}}", "{\"detail\":{\"c-count\":5}}", false},
    {"{detail: {c-count: [{exists: false}]}}", "{\"other\":1}", true},
    {"{detail: {c-count: [{exists: false}]}}", "{\"detail\":\"text\"}", true},
    {"{detail: {c-count: [{exists: false}], d: [1]}}", "{}", false},
    {"{a: [{exists: false}, x]}", "{\"a\":\"x\"}", true},
    {"{a: [{exists: false}, x]}", "{}", true},
    {"{a: [{exists: false}, x]}", "{\"a\":\"y\"}", false},
    /* wildcard */
    {"{EventBusArn: [{wildcard: 'arn:aws:events:us-east-1:*:event-bus/*'}]}",
	"{\"EventBusArn\":\"arn:aws:events:us-east-1:1:event-bus/b\"}", true},
    {"{EventBusArn: [{wildcard: 'arn:aws:events:us-east-1:*:event-bus/*'}]}",
	"{\"EventBusArn\":\"arn:aws:events:eu-west-1:1:event-bus/b\"}", false},
    {"{FileName: [{wildcard: 'dir/*.png'}]}", "{\"FileName\":\"dir/a.png\"}", true},
    {"{FileName: [{wildcard: 'dir/*.png'}]}", "{\"FileName\":\"dirs/a.png\"}", false},
    {"{a: [{wildcard: '*'}]}", "{\"a\":\"\"}", true},
    {"{a: [{wildcard: '*'}]}", "{\"a\":5}", false},
    {"{a: [{wildcard: 'a\\*b'}]}", "{\"a\":\"a*b\"}", true},
    {"{a: [{wildcard: 'a\\*b'}]}", "{\"a\":\"axb\"}", false},
    {"{a: [{wildcard: 'a\\\\*'}]}", "{\"a\":\"a\\\\b\"}", true},
    /* any of a list */
    {"{PaymentType: [Credit, Debit]}", "{\"PaymentType\":\"Debit\"}", true},
    {"{a: [x, {prefix: y}, {numeric: [\">\", 5]}, null]}", "{\"a\":\"yes\"}", true},
    {"{a: [x, {prefix: y}, {numeric: [\">\", 5]}, null]}", "{\"a\":6}", true},
    {"{a: [x, {prefix: y}, {numeric: [\">\", 5]}, null]}", "{\"a\":null}", true},
    {"{a: [x, {prefix: y}, {numeric: [\">\", 5]}, null]}", "{\"a\":5}", false},
    /* all of the fields */
    {"{Location: [New York], Day: [Monday]}", "{\"Location\":\"New York\",\"Day\":\"Monday\"}",
	true},
    {"{Location: [New York], Day: [Monday]}", "{\"Location\":\"New York\",\"Day\":\"Sunday\"}",
	false},
    /* the guide's example with several kinds */
    {"{time: [{prefix: 2017-10-02}], detail: {state: [{anything-but: initializing}], "
     "c-count: [{numeric: [\">\", 0, \"<=\", 5]}], d-count: [{numeric: [\"<\", 10]}], "
     "x-limit: [{anything-but: [100, 200, 300]}]}}",
	"{\"time\":\"2017-10-02T16:24:49Z\",\"detail\":{\"state\":\"running\",\"c-count\":5,"
	"\"d-count\":3,\"x-limit\":301.8}}",
	true},
    {"{time: [{prefix: 2017-10-02}], detail: {state: [{anything-but: initializing}], "
     "c-count: [{numeric: [\">\", 0, \"<=\", 5]}], d-count: [{numeric: [\"<\", 10]}], "
     "x-limit: [{anything-but: [100, 200, 300]}]}}",
	"{\"time\":\"2017-10-02T16:24:49Z\",\"detail\":{\"state\":\"running\",\"c-count\":5,"
	"\"d-count\":3,\"x-limit\":300}}",
	false},
};

#define EITHER "{$or: [{Location: [New York]}, {Day: [Monday]}]}"
#define NESTED                                                                                 \
	"{source: [aws.cloudwatch], $or: [{metricName: [CPUUtilization, ReadLatency]}, "       \
	"{metricType: [MetricType], namespace: [AWS/EC2, AWS/ES], $or: [{metricId: [1234]}, "  \
	"{spaceId: [1000]}]}, {scope: [Service]}]}"
#define CW "\"source\":\"aws.cloudwatch\","

static const struct row alternatives[] = {
    {EITHER, "{\"Location\":\"New York\",\"Day\":\"Sunday\"}", true},
    {EITHER, "{\"Location\":\"Boston\",\"Day\":\"Monday\"}", true},
    {EITHER, "{\"Location\":\"Boston\",\"Day\":\"Sunday\"}", false},
    {EITHER, "{}", false},
    {"{detail: {$or: [{c-count: [{numeric: [\">\", 0, \"<=\", 5]}]}, {d-count: [{numeric: "
     "[\"<\", "
     "10]}]}, {x-limit: [{numeric: [\"=\", 3.018e2]}]}]}}",
	"{\"detail\":{\"c-count\":9,\"d-count\":11,\"x-limit\":301.8}}", true},
    {"{detail: {$or: [{c-count: [{numeric: [\">\", 0, \"<=\", 5]}]}, {d-count: [{numeric: "
     "[\"<\", "
     "10]}]}, {x-limit: [{numeric: [\"=\", 3.018e2]}]}]}}",
	"{\"detail\":{\"c-count\":9,\"d-count\":11,\"x-limit\":301.9}}", false},
    {NESTED, "{" CW "\"metricName\":\"ReadLatency\"}", true},
    {NESTED, "{" CW "\"scope\":\"Service\"}", true},
    {NESTED, "{" CW "\"metricType\":\"MetricType\",\"namespace\":\"AWS/EC2\"}", false},
    {NESTED, "{" CW "\"metricType\":\"MetricType\",\"namespace\":\"AWS/EC2\",\"spaceId\":1000}",
	true},
    {NESTED, "{\"metricName\":\"ReadLatency\"}", false},
    {"{$or: [{a: [1]}, {b: [1]}], c: {$or: [{a: [1]}, {b: [1]}]}}", "{\"b\":1,\"c\":{\"a\":1}}",
	true},
    {"{$or: [{a: [1]}, {b: [1]}], c: {$or: [{a: [1]}, {b: [1]}]}}", "{\"b\":1,\"c\":{}}",
	false},
    {"{$or: [{a: [{exists: false}]}, {b: [1]}]}", "{}", true},
};

#define STAFF                                                                                  \
	"{\"employees\":[{\"firstName\":\"John\",\"lastName\":\"Doe\"},"                       \
	"{\"firstName\":\"Anna\",\"lastName\":\"Smith\",\"age\":[30,31]},"                     \
	"{\"firstName\":\"Peter\",\"lastName\":\"Jones\"}]}"
#define TEAMS                                                                                  \
	"{\"employees\":[[{\"firstName\":\"John\",\"lastName\":\"Doe\"},"                      \
	"{\"firstName\":\"Anna\",\"lastName\":\"Smith\"}],"                                    \
	"[{\"firstName\":\"Peter\",\"lastName\":\"Jones\"}]]}"

static const struct row arrays[] = {
    /* one of the values will do */
    {"{resources: [a, z]}", "{\"resources\":[\"x\",\"y\",\"z\"]}", true},
    {"{resources: [a, b]}", "{\"resources\":[\"x\",\"y\",\"z\"]}", false},
    {"{resources: [{suffix: z}]}", "{\"resources\":[1,[\"x\",[\"yz\"]]]}", true},
    {"{a: ['\xc3\xa9']}", "{\"a\":[\"\\u00e8\",\"\\u00e9\"]}", true},
    {"{a: [300]}", "{\"a\":[\"300\",300]}", true},
    {"{a: [300]}", "{\"a\":[\"300\",[3e2]]}", false},
    {"{a: [{numeric: [\"=\", 300]}]}", "{\"a\":[\"300\",[3e2]]}", true},
    {"{a: [{anything-but: x}]}", "{\"a\":[\"x\",\"y\"]}", true},
    {"{a: [{anything-but: x}]}", "{\"a\":[\"x\",\"x\"]}", false},
    {"{a: [null]}", "{\"a\":[null]}", true},
    /* nothing in it: not there */
    {"{a: [{exists: true}]}", "{\"a\":[0]}", true},
    {"{a: [{exists: true}]}", "{\"a\":[]}", false},
    {"{a: [{exists: false}]}", "{\"a\":[]}", true},
    {"{a: [{exists: false}]}", "{\"a\":[[],[{\"b\":1}]]}", true},
    {"{a: [{exists: false}]}", "{\"a\":[[],[{\"b\":1}],0]}", false},
    {"{a: [{anything-but: x}]}", "{\"a\":[]}", false},
    /* of an array of objects one must have it all */
    {"{employees: {firstName: [Anna]}}", STAFF, true},
    {"{employees: {firstName: [Anna], lastName: [Smith]}}", STAFF, true},
    {"{employees: {firstName: [Anna], lastName: [Jones]}}", STAFF, false},
    {"{employees: {firstName: [Anna], age: [31]}}", STAFF, true},
    {"{employees: {firstName: [Peter], age: [31]}}", STAFF, false},
    {"{employees: {firstName: [Peter], age: [{exists: false}]}}", STAFF, true},
    {"{employees: {firstName: [Anna], age: [{exists: false}]}}", STAFF, false},
    {"{employees: {firstName: [Mary]}}", STAFF, false},
    {"{employees: {firstName: [Anna], lastName: [Smith]}}", TEAMS, true},
    {"{employees: {firstName: [Anna], lastName: [Jones]}}", TEAMS, false},
    {"{employees: {$or: [{firstName: [Mary]}, {lastName: [Jones]}]}}", TEAMS, true},
    {"{employees: {firstName: [Anna], $or: [{lastName: [Doe]}, {lastName: [Jones]}]}}", TEAMS,
	false},
    /* arrays in objects in arrays, with escapes and a second member of one name */
    {"{a: {b: {c: [1], d: [2]}}}",
	"{\"a\":[{\"b\":[{\"c\":1}]},{\"b\":[{\"d\":2},{\"c\":1,"
	"\"d\":2}]}]}",
	true},
    {"{a: {b: {c: [1], d: [2]}}}",
	"{\"a\":[{\"b\":[{\"c\":1}]},{\"b\":[{\"d\":2},{\"c\":1}]}]}", false},
    {"{a: {b: {c: [x]}}}", "{\"a\":[{\"\\u0062\":{\"c\":\"\\u0078\"}}]}", true},
    {"{a: {b: {c: [x]}}}", "{\"a\":[{\"b\":{\"c\":\"x\"},\"b\":{}}]}", false},
    /* objects among other values; names that look like places in an array */
    {"{a: {b: [1]}}", "{\"a\":[5,\"b\",{\"b\":1}]}", true},
    {"{a: {b: [1]}}", "{\"a\":[5,\"b\"]}", false},
    {"{a: {b: [{exists: false}]}}", "{\"a\":[5,\"b\"]}", true},
    {"{a: {b: [{exists: false}]}}", "{\"a\":[{\"b\":1}]}", false},
    {"{a: {'0': [x]}}", "{\"a\":[\"x\"]}", false},
    {"{a: {'0': [x]}}", "{\"a\":{\"0\":\"x\"}}", true},
    {"{a: {'0': [x]}}", "{\"a\":[{\"0\":\"x\"}]}", true},
    /* the event itself is an array, or no object */
    {"{a: [1], b: [2]}", "[{\"a\":1},{\"a\":1,\"b\":2}]", true},
    {"{a: [1], b: [2]}", "[{\"a\":1},{\"b\":2}]", false},
    {"{a: [1]}", "1", false},
    {"{a: [{exists: false}]}", "\"a\"", true},
};

static void check(const struct row *row)
{
	ck_assert_msg(matching_event(row->pattern, row->body) == row->matches, "%s %s %s",
	    row->pattern, row->matches ? "takes" : "does not take", row->body);
}

START_TEST(by_value)
{
	check(&values[_i]);
}
END_TEST

START_TEST(by_operator)
{
	check(&operators[_i]);
}
END_TEST

START_TEST(by_alternative)
{
	check(&alternatives[_i]);
}
END_TEST

START_TEST(in_arrays)
{
	check(&arrays[_i]);
}
END_TEST

/* As deep as patterns go, through arrays all the way, and with what does not match first. */
START_TEST(as_deep_as_can_be)
{
	struct buf pattern = BUF_INIT, body = BUF_INIT, wrong = BUF_INIT;
	for (int i = 0; i < PATTERN_DEPTH_MAX - 1; i++) {
		buf_add_string(&pattern, "{a: ");
		buf_add_string(&body, "{\"a\":[{},0,");
	}
	buf_add_string(&pattern, "{a: [x]");
	buf_add_string(&body, "{\"a\":[1,\"x\"]");
	for (int i = 0; i < PATTERN_DEPTH_MAX - 1; i++) {
		buf_add_string(&pattern, "}");
		buf_add_string(&body, "}]");
	}
	buf_add_string(&pattern, "}");
	buf_add_string(&body, "}");
	ck_assert(matching_event(pattern.data, body.data));
	buf_add_text(&wrong, buf_text(&body));
	*strchr(wrong.data, 'x') = 'y';
	ck_assert(!matching_event(pattern.data, wrong.data));
	buf_free(&pattern);
	buf_free(&body);
	buf_free(&wrong);
}
END_TEST

#define ROWS(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *suite(void)
{
	Suite *s = suite_create("match/event");
	TCase *t = tcase_create("event");
	tcase_add_checked_fixture(t, matching_start, matching_stop);
	tcase_add_loop_test(t, by_value, 0, ROWS(values));
	tcase_add_loop_test(t, by_operator, 0, ROWS(operators));
	tcase_add_loop_test(t, by_alternative, 0, ROWS(alternatives));
	tcase_add_loop_test(t, in_arrays, 0, ROWS(arrays));
	tcase_add_test(t, as_deep_as_can_be);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
