"""Where moto's server (the version that pyproject.toml pins) is known to do otherwise than Amazon SWF.

Numbered as in section 8 of swf.md, the notes on the service: what is not there does not belong here. A test that is
listed must fail on moto; when it passes, moto has caught up, and the test goes off the list.
"""

from __future__ import annotations

#: What moto does otherwise, and the tests that show it.
ITEMS: dict[str, tuple[str, str]] = {
    "8.1": (
        "it lacks 6 of the 39 operations",
        """
        external::test_cancel
        external::test_the_order_of_a_cancel_that_was_recorded
        listing::test_what_counts_refuse
        polls::test_canceled_without_being_asked
        registration::test_deletion
        registration::test_what_is_there_outlives_its_type
        """,
    ),
    "8.2": (
        "it lacks 6 of the 13 decisions",
        """
        children::test_a_child_that_continues_stays_a_child
        children::test_a_parent_that_ends_with_the_start_of_its_child
        children::test_a_policy_finds_a_child_that_continued
        children::test_a_policy_leaves_a_namesake_alone
        children::test_a_taken_workflow_id
        children::test_continue_as_new_is_refused
        children::test_many_children_end_in_order
        children::test_open_children_are_counted_until_they_close
        children::test_other_ends_leave_children_alone
        children::test_the_order_that_was_recorded
        children::test_two_children_of_one_id
        children::test_what_is_wrong_before_a_child_is_initiated
        decisions::test_cancel_a_started_activity
        decisions::test_cancel_an_activity_that_was_not_started
        decisions::test_cancel_failures[activity]
        external::test_a_sender_that_closed_meanwhile
        external::test_an_execution_of_another_domain_is_unknown
        external::test_an_execution_signals_itself
        external::test_an_execution_that_is_not_open
        external::test_external_cancel
        external::test_external_signal
        """,
    ),
    "8.3": ("an event is called TimerCancelled", "orders::test_a_timer_is_canceled"),
    "8.4": (
        "it lacks 5 of the 8 timeouts, and counts as open what has timed out",
        """
        timeouts::test_an_activity_times_out[START_TO_CLOSE]
        timeouts::test_what_timed_out_is_not_open
        """,
    ),
    "8.5.1": (
        "a second decision task is scheduled beside one that waits",
        "orders::test_one_decision_task_covers_many_events",
    ),
    "8.5.2": (
        "Complete and Fail never fail with UNHANDLED_DECISION",
        """
        executions::test_unhandled_decision[CompleteWorkflowExecution]
        executions::test_unhandled_decision[FailWorkflowExecution]
        external::test_a_signal_during_a_decision_refuses_its_close
        """,
    ),
    "8.5.3": ("tasks come by arrival only", "polls::test_priorities polls::test_priorities_of_activities"),
    "8.5.4": (
        "there are no pages",
        """
        listing::test_pages_without_end
        polls::test_pages_of_a_history
        polls::test_the_longest_page
        polls::test_the_token_of_a_poll_is_no_token_of_a_history
        registration::test_pages_of_domains
        registration::test_pages_of_types
        """,
    ),
    "8.5.5": (
        "filters of types and names are ignored or break, and lists begin with what is oldest",
        "listing::test_the_executions_of_a_type registration::test_versions_of_a_type",
    ),
    "8.5.6": (
        "a deprecated domain's executions are not listed",
        "registration::test_what_ran_in_a_deprecated_domain_is_listed",
    ),
    "8.5.7": (
        "a deprecated domain takes new executions and types",
        "registration::test_a_deprecated_domain_takes_nothing_new",
    ),
    "8.5.8": (
        "priorities, a decider's own list and startAtPreviousStartedEvent are ignored",
        """
        executions::test_values_that_a_start_refuses[priority]
        polls::test_start_at_previous_started_event
        timeouts::test_a_list_of_the_decider_s_own
        """,
    ),
    "8.5.9": (
        "WorkflowExecutionStarted lacks tags and priority; what is empty or 0 is dropped",
        "executions::test_all_that_a_start_records executions::test_closing[complete-with-nothing]",
    ),
    "8.5.10": ("ActivityTaskScheduled lacks what the type gives", "decisions::test_resolved_activity"),
    "8.5.11": (
        "previousStartedEventId is absent on the first task",
        "polls::test_the_first_decision_task_has_no_previous_one",
    ),
    "8.5.12": ("an activityId is used once in a run", "decisions::test_an_activity_id_can_be_used_again"),
    "8.5.13": (
        "tokens of tasks that failed or timed out are an error of its own",
        "polls::test_a_task_that_failed_is_unknown timeouts::test_a_decision_task_that_timed_out_is_unknown",
    ),
    "8.5.14": (
        "tasks of closed executions are delivered; timers are not counted, and their failures are not whole",
        """
        decisions::test_a_close_wins_over_failures_in_its_list
        decisions::test_a_failed_decision_gives_a_decision_task
        decisions::test_cancel_failures[timer]
        executions::test_describe_counts_timers
        executions::test_tasks_of_closed_executions_are_not_delivered
        """,
    ),
    "8.5.15": ("a signal needs an input", "external::test_signals_from_outside"),
    "8.5.16": (
        "startTimestamp is constant, and executions that are terminated have no closeTimestamp",
        "executions::test_a_terminated_execution_tells_when executions::test_describe_tells_when",
    ),
    "8.5.17": (
        "there are no rules for names, lengths, retention, quotas and tags",
        """
        decisions::test_limits_of_a_response
        executions::test_run_ids
        executions::test_values_that_a_start_refuses
        external::test_a_long_name_of_a_signal
        polls::test_limits_of_answers[details]
        polls::test_limits_of_answers[reason]
        polls::test_limits_of_answers[result]
        polls::test_names_of_lists
        registration::test_an_execution_lasts_a_year_at_most
        registration::test_domain_names
        registration::test_retention
        registration::test_too_many_tags
        registration::test_versions
        """,
    ),
}

DIFFERENCES = {name: f"{number}: {why}" for number, (why, names) in ITEMS.items() for name in names.split()}
