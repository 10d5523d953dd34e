package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// lockFile is held open by whoever publishes. It stays when nobody does: removing it would let two hold one of that name
// each. The system lets go of it when a process dies, so nothing has to be cleaned up after a crash.
const lockFile = ".linkletter.lock"

// lockPause is how long to wait before trying again for a lock that another process has.
const lockPause = 20 * time.Millisecond

// errLocked says that somebody else has the lock.
var errLocked = errors.New("somebody else publishes there")

// lock waits until nobody else, in this process or another, publishes into dir. A publication with the lock reads store
// and manifests after the one before it has written all of its own, so neither is undone by an older view.
//
// alone is false where the file system has no locks.
func lock(ctx context.Context, dir string) (held *os.File, alone bool, err error) {
	name := filepath.Join(dir, lockFile)
	for {
		held, alone, err = tryLock(name)
		if err == nil {
			return held, alone, nil
		}
		if !errors.Is(err, errLocked) {
			return nil, false, fmt.Errorf("locking the public folder: %w", explain(err, dir))
		}
		select {
		case <-ctx.Done():
			return nil, false, fmt.Errorf("waiting for another publication in %s: %w", dir, ctx.Err())
		case <-time.After(lockPause):
		}
	}
}
