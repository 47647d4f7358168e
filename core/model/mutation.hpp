// Deliberate breakages, for one purpose: to show that the simulator finds them. In every shipped build
// mutated() is the constant false and nothing of this reaches a binary; the separately built simulator
// (mainstay-sim-mutations) chooses one per run. A site is one line.
#pragma once

namespace mainstay {

// The rule or habit that each one leaves out. See docs/design/quorum.md for the rules.
#define MAINSTAY_MUTATIONS(X)                                                                \
    X(newest_set_alone)          /* R2: quorum by the newest voter set only */               \
    X(skip_durable_vote)         /* a vote leaves before its term is on the disk */          \
    X(acknowledge_before_sync)   /* an append is answered before it is on the disk */        \
    X(forget_commit_mark)        /* R2, U3: the commit mark of a voter set is not kept */    \
    X(commit_former_term)        /* entries of former terms are committed by counting */     \
    X(vote_for_shorter_log)      /* a vote without comparing logs */                         \
    X(lead_without_quorum)       /* R6: a leader never steps down */                         \
    X(date_by_arrival)           /* R6: contacts and leases dated by arrival */              \
    X(proof_of_older_boot)       /* R4b: a proof counts for any later life */                \
    X(both_tie_breaks)           /* R4: a proof breaks ties of an arbitrated set */          \
    X(unsettled_half)            /* R3: voters that are not settled count at exactly half */ \
    X(tie_without_means)         /* R3: exactly half wins without a tie-break */             \
    X(limited_leader_unlimited)  /* R3: a tie-broken leader acts like any other */           \
    X(part_of_half_commits)      /* R3: a majority of the half commits its set */            \
    X(arbitrator_forgets_floor)  /* R4a: it grants versions below the one it was told */     \
    X(arbitrator_forgets_grant)  /* R4a: it grants to both halves */                         \
    X(lost_store_votes)          /* R7: a node with a new store counts as the old voter */   \
    X(lease_wait_too_short)      /* proof (3): waits half the time */                        \
    X(lease_names_no_entry)      /* an acknowledgement names no package entry (C7) */        \
    X(start_under_old_lease)     /* a start needs no fresh acknowledgement */                \
    X(run_past_lease)            /* the lease's end is ignored */                            \
    X(endless_lease_of_three)    /* "Two voters" for larger sets */                          \
    X(restart_ended_generation)  /* a lost lease does not end the generation */              \
    X(start_for_any_boot)        /* a PackageStart is obeyed by any life of its node */      \
    X(start_before_record)       /* a generation begins before it is on record */            \
    X(decide_before_own_term)    /* a new leader decides before its own entry commits */     \
    X(decide_on_old_state)       /* a leader decides while entries are on their way */       \
    X(apply_uncommitted)         /* entries are applied before they are committed */         \
    X(unknown_fence_is_off)      /* an unknown answer of a device is taken for off */        \
    X(failed_fence_is_off)       /* so is a failure */                                       \
    X(reboot_of_daemon_is_proof) /* a restarted daemon proves that its packages ended */     \
    X(fence_what_majority_hears) /* D5: nobody else is asked, or relays */                   \
    X(fence_while_cut_off)       /* D5: whose own links are all down fences all the same */  \
    X(count_submission_twice)    /* a repeated submission counts again */                    \
    X(snapshot_without_last)     /* a snapshot lacks its last entry */                       \
    X(start_elsewhere_at_once)   /* a lost node's packages start without proof */            \
    X(plan_with_old_links)       /* the planner does not see that maintenance has begun */   \
    X(detached_by_lease)         /* proof (3) counts for a detached node */

enum class mutation : unsigned char {
    none,
#define MAINSTAY_MUTATION_NAME(name) name,
    MAINSTAY_MUTATIONS(MAINSTAY_MUTATION_NAME)
#undef MAINSTAY_MUTATION_NAME
        count_
};

#ifdef MAINSTAY_MUTATED
// Of the calling thread.
[[nodiscard]] bool mutated(mutation what);
void mutate(mutation what);
[[nodiscard]] const char* to_string(mutation what);
#else
[[nodiscard]] constexpr bool mutated(mutation) { return false; }
#endif

}  // namespace mainstay
