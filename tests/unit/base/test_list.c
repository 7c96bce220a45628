#include "base/list.h"

#include "tests/unit/main.h"

struct member {
	int number;
	struct list link;
};

static void members_init(struct member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		members[i].number = (int)i + 1;
		list_init(&members[i].link);
	}
}

/* The numbers of a list as digits: 1, 2, 3 is 123. Both directions must agree. */
static int digits(struct list *head)
{
	int forward = 0, backward = 0, place = 1;
	list_each(head, it) forward =
	    forward * 10 + list_entry(it, struct member, link)->number;
	for (struct list *it = head->prev; it != head; it = it->prev, place *= 10)
		backward += place * list_entry(it, struct member, link)->number;
	ck_assert_int_eq(forward, backward);
	return forward;
}

START_TEST(keeps_order)
{
	struct list head;
	struct member m[3];
	list_init(&head);
	members_init(m, 3);
	ck_assert(list_empty(&head));
	ck_assert_int_eq(digits(&head), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert(!list_linked(&m[i].link));
		list_append(&head, &m[i].link);
		ck_assert(list_linked(&m[i].link));
	}
	ck_assert(!list_empty(&head));
	ck_assert_int_eq(digits(&head), 123);
}
END_TEST

START_TEST(members_leave_from_anywhere)
{
	struct list head;
	struct member m[4];
	list_init(&head);
	members_init(m, 4);
	for (int i = 0; i < 4; i++)
		list_append(&head, &m[i].link);
	list_remove(&m[1].link);
	ck_assert_int_eq(digits(&head), 134);
	ck_assert(!list_linked(&m[1].link));
	/* Leaving twice is nothing. */
	list_remove(&m[1].link);
	ck_assert_int_eq(digits(&head), 134);
	list_remove(&m[0].link);
	list_remove(&m[3].link);
	ck_assert_int_eq(digits(&head), 3);
	list_append(&head, &m[0].link);
	ck_assert_int_eq(digits(&head), 31);
	list_remove(&m[2].link);
	list_remove(&m[0].link);
	ck_assert(list_empty(&head));
}
END_TEST

START_TEST(members_may_leave_during_a_walk)
{
	struct list head;
	struct member m[5];
	list_init(&head);
	members_init(m, 5);
	for (int i = 0; i < 5; i++)
		list_append(&head, &m[i].link);
	int seen = 0;
	list_each(&head, it)
	{
		struct member *member = list_entry(it, struct member, link);
		seen = seen * 10 + member->number;
		if (member->number % 2)
			list_remove(it);
	}
	ck_assert_int_eq(seen, 12345);
	ck_assert_int_eq(digits(&head), 24);
}
END_TEST

START_TEST(moves_all)
{
	struct list from, to;
	struct member m[4];
	list_init(&from);
	list_init(&to);
	members_init(m, 4);
	list_move_all(&to, &from);
	ck_assert(list_empty(&to));
	list_append(&from, &m[0].link);
	list_append(&from, &m[1].link);
	list_move_all(&to, &from);
	ck_assert(list_empty(&from));
	ck_assert_int_eq(digits(&to), 12);
	list_append(&from, &m[2].link);
	list_append(&from, &m[3].link);
	list_move_all(&to, &from);
	ck_assert_int_eq(digits(&to), 1234);
	list_move_all(&to, &from);
	ck_assert_int_eq(digits(&to), 1234);
	ck_assert(list_empty(&from));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("list");
	TCase *t = tcase_create("list");
	tcase_add_test(t, keeps_order);
	tcase_add_test(t, members_leave_from_anywhere);
	tcase_add_test(t, members_may_leave_during_a_walk);
	tcase_add_test(t, moves_all);
	suite_add_tcase(s, t);
	return s;
}

TEST_MAIN(suite)
