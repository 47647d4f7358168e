/* A stonith plugin in plain C, and, by definitions, every way to get its table wrong. */
#include <mainstay/plugin.h>
#include <string.h>

#ifndef MAGIC
#define MAGIC MAINSTAY_PLUGIN_MAGIC
#endif
#ifndef MAJOR
#define MAJOR MAINSTAY_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR MAINSTAY_ABI_MINOR
#endif
#ifndef SIZE
#define SIZE sizeof(mainstay_plugin)
#endif
#ifndef KIND
#define KIND MAINSTAY_KIND_STONITH
#endif
#ifndef FUNCTIONS_SIZE
#define FUNCTIONS_SIZE sizeof(mainstay_stonith_functions)
#endif
#ifdef OTHER_NAME
#undef TEST_NAME
#define TEST_NAME "something-else"
#endif
#define TEXT(literal) \
    { literal, sizeof(literal) - 1 }

#ifdef UNRESOLVED
uint32_t nobody_defines_this(void);
#endif

static uint32_t create(const mainstay_config* config, const mainstay_host* host, const mainstay_sink* sink,
                       void** instance) {
    static int life;
    (void)config;
    (void)host;
    (void)sink;
#ifdef UNRESOLVED
    life = (int)nobody_defines_this();
#endif
    *instance = &life;
    return MAINSTAY_OK;
}

static void destroy(void* instance) { (void)instance; }

static uint32_t power(void* instance, mainstay_string node, const mainstay_sink* sink) {
    (void)instance;
    sink->text(sink->context, node);
    return MAINSTAY_OFF;
}

static const mainstay_stonith_functions functions = {FUNCTIONS_SIZE, power, power,
#ifdef NULL_FUNCTION
                                                     NULL
#else
                                                     power
#endif
};

static const mainstay_param params[] = {{TEXT("outlet"), MAINSTAY_TYPE_INTEGER, MAINSTAY_SCOPE_NODE, 1, 0, TEXT(""),
#ifdef BAD_SCHEMA
                                         TEXT("many"),
#else
                                         TEXT("1"),
#endif
                                         1, 8, TEXT(""), TEXT("number of the outlet")}};

static const mainstay_plugin table = {
    MAGIC,       MAJOR,          MINOR,  SIZE,    KIND,      sizeof(mainstay_param), 1, params, TEXT(TEST_NAME),
    TEXT("1.0"), TEXT("a test"), create, destroy, &functions};

#ifdef NO_SYMBOL
MAINSTAY_EXPORT const mainstay_plugin* some_other_entry(void) { return &table; }
#elif defined(NULL_TABLE)
MAINSTAY_EXPORT const mainstay_plugin* mainstay_plugin_entry(void) { return table.magic == 0 ? &table : NULL; }
#else
const mainstay_plugin* mainstay_plugin_entry(void) { return &table; }
#endif
