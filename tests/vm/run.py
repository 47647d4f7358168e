#!/usr/bin/python3
"""What needs a real kernel of its own, in QEMU guests: `./dev test --vm [WORD...]`, those whose name has a word.
The last line counts."""
import sys

import guest
import volume_groups
import watchdog


def main():
    guest.fetch()
    words = sys.argv[1:]
    tests = {name: test for name, test in {**watchdog.TESTS, **volume_groups.TESTS}.items()
             if not words or any(word in name for word in words)}
    failed = 0
    for name, test in tests.items():
        good, said, ended = test()
        failed += not good
        print(f"{'ok' if good else 'FAILED':6} {name}: {said}", flush=True)
        if not good:
            print(ended.stdout[-6000:] + ended.stderr[-2000:])
    print(f"{len(tests) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
