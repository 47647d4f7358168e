/*
 * The Mainstay plugin interface, ABI 0.1. A plugin is a shared library with one exported function,
 *
 *     const mainstay_plugin* mainstay_plugin_entry(void);
 *
 * that returns a table which lives as long as the library. C++ authors include plugin.hpp instead,
 * which builds the table from a small class.
 *
 * Rules
 *   - Strings are pointer + length, not terminated, valid until the call returns. Copy what you keep.
 *   - Who allocates frees. A plugin hands out nothing: it answers through the sink of the call.
 *   - The host makes the calls of one instance on one thread, one at a time. Only
 *     event_source.stop comes from another thread, while `run` is running.
 *   - host->log and host->post may be called from any thread, from `create` until `destroy` returned.
 *   - No exception, signal handler, exit() or change of the working directory may leave the plugin.
 *   - Heartbeat plugins live in the daemon: no call may block. All others live in a process of their
 *     own (mainstay-plugin-host) and may block; a call that takes too long is ended from outside with
 *     the process, and its result counts as unknown.
 *   - What is to outlive a call (a server) has to end up outside the plugin's own process tree, as
 *     daemons do. What is still in it when a call is ended from outside is ended with it; so is
 *     everything with the MAINSTAY_CALL of that call in its environment.
 *   - Every table carries its size and grows at its end only. A reader never reads past the size it
 *     was given, a function beyond it does not exist.
 */
#ifndef MAINSTAY_PLUGIN_H
#define MAINSTAY_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAINSTAY_PLUGIN_MAGIC 0x4e49534du /* "MSIN" */
#define MAINSTAY_ABI_MAJOR 0              /* while 0: both numbers have to match */
#define MAINSTAY_ABI_MINOR 1
#define MAINSTAY_ENTRY_SYMBOL "mainstay_plugin_entry"

typedef struct mainstay_string {
    const char* data;
    size_t size;
} mainstay_string;

typedef struct mainstay_field {
    mainstay_string name;
    mainstay_string value;
} mainstay_field;

typedef struct mainstay_fields {
    const mainstay_field* items;
    size_t count;
} mainstay_fields;

enum mainstay_kind {
    MAINSTAY_KIND_HEARTBEAT = 1,
    MAINSTAY_KIND_STONITH = 2,
    MAINSTAY_KIND_RESOURCE = 3,
    MAINSTAY_KIND_EVENT_SOURCE = 4,
    MAINSTAY_KIND_ARBITRATOR = 5,
    MAINSTAY_KIND_NOTIFIER = 6
};

enum mainstay_type {
    MAINSTAY_TYPE_TEXT = 1,
    MAINSTAY_TYPE_INTEGER = 2,  /* decimal, int64 */
    MAINSTAY_TYPE_BOOLEAN = 3,  /* yes | no */
    MAINSTAY_TYPE_DURATION = 4, /* 250ms, 2s, 5min, 1h; a bare number is seconds */
    MAINSTAY_TYPE_CHOICE = 5,   /* one word of `choices` */
    MAINSTAY_TYPE_ADDRESS = 6,  /* IPv4 or IPv6 address */
    MAINSTAY_TYPE_SUBNET = 7,   /* address/prefix length */
    MAINSTAY_TYPE_PATH = 8,     /* absolute path */
    MAINSTAY_TYPE_COMMAND = 9   /* run by /bin/sh -c */
};

enum mainstay_scope {
    MAINSTAY_SCOPE_INSTANCE = 1, /* one value for the instance */
    MAINSTAY_SCOPE_NODE = 2,     /* one value for each node */
    MAINSTAY_SCOPE_EITHER = 3    /* a value for the instance, which a node may override */
};

enum mainstay_severity {
    MAINSTAY_SEVERITY_DEBUG = 1,
    MAINSTAY_SEVERITY_INFO = 2,
    MAINSTAY_SEVERITY_WARNING = 3,
    MAINSTAY_SEVERITY_ALARM = 4
};

/* What came out of a call. UNKNOWN means: not fenced, not stopped, not granted. */
enum mainstay_outcome {
    MAINSTAY_OK = 1,
    MAINSTAY_FAILED = 2,      /* surely not done; the text says why */
    MAINSTAY_UNKNOWN = 3,     /* may or may not be done */
    MAINSTAY_NOT_RUNNING = 4, /* resource: surely not active here */
    MAINSTAY_ON = 5,          /* stonith: read back as powered on */
    MAINSTAY_OFF = 6,         /* stonith: read back as powered off */
    MAINSTAY_OFF_ASSUMED = 7  /* stonith: told to go off, no read-back, waited; a weak proof */
};

/* One entry of the parameter schema. Numbers of durations are milliseconds. */
typedef struct mainstay_param {
    mainstay_string name;
    uint32_t type;  /* mainstay_type */
    uint32_t scope; /* mainstay_scope */
    uint32_t required;
    uint32_t secret; /* never shown or logged */
    mainstay_string unit;
    mainstay_string default_value; /* as written in a configuration; empty = none */
    int64_t minimum;               /* of integers and durations; no range when minimum >= maximum */
    int64_t maximum;
    mainstay_string choices; /* of TYPE_CHOICE: the words, separated by '|' */
    mainstay_string help;
} mainstay_param;

/* A node as an instance sees it. A heartbeat instance names its peers by their place in the list. */
typedef struct mainstay_node {
    mainstay_string name;
    mainstay_fields params; /* SCOPE_NODE and SCOPE_EITHER parameters given for this node */
} mainstay_node;

typedef struct mainstay_config {
    uint32_t struct_size;
    mainstay_string instance; /* ring0, strip, ups, the name of a resource */
    mainstay_string own_node; /* need not be one of `nodes` (a strip that switches others) */
    mainstay_fields params;
    const mainstay_node* nodes;
    size_t node_count;
} mainstay_config;

/* Where a call leaves its text and its fields. Valid during the call. */
typedef struct mainstay_sink {
    uint32_t struct_size;
    void* context;
    void (*text)(void* context, mainstay_string text);
    void (*field)(void* context, mainstay_string name, mainstay_string value);
} mainstay_sink;

typedef struct mainstay_host {
    uint32_t struct_size;
    void* context;
    void (*log)(void* context, uint32_t severity, mainstay_string text);
    void (*post)(void* context, uint32_t severity, mainstay_string event, mainstay_fields fields);
} mainstay_host;

/* stonith: `off` has to read the state back before it answers OFF. Answers are ON, OFF,
   OFF_ASSUMED, UNKNOWN, or FAILED (the device surely did not act). */
typedef struct mainstay_stonith_functions {
    uint32_t struct_size;
    uint32_t (*off)(void* instance, mainstay_string node, const mainstay_sink* sink);
    uint32_t (*on)(void* instance, mainstay_string node, const mainstay_sink* sink);
    uint32_t (*status)(void* instance, mainstay_string node, const mainstay_sink* sink);
} mainstay_stonith_functions;

/* resource: start answers OK, FAILED, UNKNOWN, or NOT_RUNNING when it failed before anything was begun
   (no stop follows then); stop answers OK only when surely stopped; status answers OK (active here),
   NOT_RUNNING, FAILED (active and broken) or UNKNOWN. `prepare` may be null: it may look whether start
   would do harm, changes nothing, FAILED = a conflict was seen. */
typedef struct mainstay_resource_functions {
    uint32_t struct_size;
    uint32_t (*start)(void* instance, const mainstay_sink* sink);
    uint32_t (*stop)(void* instance, const mainstay_sink* sink);
    uint32_t (*status)(void* instance, const mainstay_sink* sink);
    uint32_t (*prepare)(void* instance, const mainstay_sink* sink);
} mainstay_resource_functions;

/* event_source: `run` posts events until `stop` is called, then returns soon. */
typedef struct mainstay_event_source_functions {
    uint32_t struct_size;
    void (*run)(void* instance);
    void (*stop)(void* instance); /* from another thread; may come before `run` */
} mainstay_event_source_functions;

/* arbitrator: decides for one half of a cluster that is split evenly, once and for all.
     grant: fields cluster, store (hexadecimal), version, term_round, term_node, half ("1 2"), node.
            OK = granted and durable, FAILED = refused (the text says why), UNKNOWN = no answer.
     told:  the same without half: this version is committed. OK with the text
            "store=HEX floor=VERSION granted=0|1": its own store, the highest version it was told, and
            whether it holds a grant of exactly this version. With another `store` than its own it notes
            nothing and answers all the same. */
typedef struct mainstay_arbitrator_functions {
    uint32_t struct_size;
    uint32_t (*grant)(void* instance, mainstay_fields request, const mainstay_sink* sink);
    uint32_t (*told)(void* instance, mainstay_fields request, const mainstay_sink* sink);
} mainstay_arbitrator_functions;

typedef struct mainstay_notifier_functions {
    uint32_t struct_size;
    uint32_t (*notify)(void* instance, mainstay_string event, mainstay_fields fields, const mainstay_sink* sink);
} mainstay_notifier_functions;

#define MAINSTAY_PEER_ALL 0xffffffffu

enum mainstay_send_kind {
    MAINSTAY_SEND_BEAT = 1, /* newest wins: on a slow link it may replace an older, unsent one */
    MAINSTAY_SEND_LOG = 2   /* in order; may be dropped when the link's queue is full */
};

enum mainstay_link {
    MAINSTAY_LINK_OK = 1,
    MAINSTAY_LINK_LOCAL_FAULT = 2 /* down for a reason on this node: device gone, set down, send errors */
};

/* heartbeat: nothing may block. Times are microseconds of one monotonic clock of the host. */
typedef struct mainstay_heartbeat_functions {
    uint32_t struct_size;
    /* Opens the link. A failure is not final: `tick` tries again. */
    uint32_t (*open)(void* instance, int64_t now, const mainstay_sink* sink);
    void (*close)(void* instance);
    /* File descriptor to poll for reading, -1 while closed. May change in every tick. */
    int32_t (*fd)(void* instance);
    /* Non-zero when a tick should follow as soon as the descriptor takes bytes. */
    uint32_t (*wants_write)(void* instance);
    /* Reopens, flushes. Returns when it wants to be called again at the latest, INT64_MAX = never. */
    int64_t (*tick)(void* instance, int64_t now);
    /* OK = taken over (no promise of arrival), FAILED = dropped. `size` is at most `mtu`. */
    uint32_t (*send)(void* instance, int64_t now, uint32_t peer, uint32_t kind, const uint8_t* data, size_t size);
    /* Size of the datagram put into `buffer`, 0 = none left. Longer ones are dropped and counted. */
    size_t (*receive)(void* instance, int64_t now, uint8_t* buffer, size_t capacity);
    size_t (*mtu)(void* instance);
    int64_t (*frame_time_us)(void* instance, size_t size);
    uint32_t (*is_point_to_point)(void* instance);
    /* MAINSTAY_LINK_*; the text says what is wrong, the fields are counters. */
    uint32_t (*link_state)(void* instance, const mainstay_sink* sink);
} mainstay_heartbeat_functions;

typedef struct mainstay_plugin {
    uint32_t magic;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t struct_size;
    uint32_t kind;       /* mainstay_kind */
    uint32_t param_size; /* sizeof(mainstay_param) the plugin was built with */
    uint32_t param_count;
    const mainstay_param* params;
    mainstay_string name; /* the library's file name without ".so" */
    mainstay_string version;
    mainstay_string summary;
    /* OK and *instance set, or FAILED and the reason in the sink. */
    uint32_t (*create)(const mainstay_config* config, const mainstay_host* host, const mainstay_sink* sink,
                       void** instance);
    void (*destroy)(void* instance);
    const void* functions; /* mainstay_<kind>_functions */
} mainstay_plugin;

#if defined(__GNUC__)
#define MAINSTAY_EXPORT __attribute__((visibility("default")))
#else
#define MAINSTAY_EXPORT
#endif

/* What a plugin exports. */
MAINSTAY_EXPORT const mainstay_plugin* mainstay_plugin_entry(void);

#ifdef __cplusplus
}
#endif

#endif
