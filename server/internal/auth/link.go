package auth

import (
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
)

// LinkLife is how long a sign-in link can be used.
const LinkLife = 10 * time.Minute

// maxLinks is how many links can wait; a further one replaces the oldest.
const maxLinks = 64

// Links are the sign-in links that nobody has used yet. They live in memory, as
// digests: a restart forgets them. The zero Links is ready for use; its methods
// are safe for concurrent use.
type Links struct {
	// mu guards the following field.
	mu    sync.Mutex
	until map[credential.Digest]time.Time // when a link expires, by its code
}

// New gives the code of a new link: 256 random bits, good for LinkLife and once.
func (l *Links) New() string {
	code := credential.SignInLink.Generate().Reveal()
	now := time.Now()

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = make(map[credential.Digest]time.Time)
	}
	l.makeRoomLocked(now)
	l.until[credential.DigestOf(code)] = now.Add(LinkLife)
	return code
}

// Redeem reports whether code is that of a link that still holds, and uses the
// link up.
func (l *Links) Redeem(code string) bool {
	digest := credential.DigestOf(code)
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.until[digest]
	delete(l.until, digest)
	return ok && time.Now().Before(until)
}

// makeRoomLocked drops links that have expired, and then the oldest one if there
// is no room for another. l.mu must be held.
func (l *Links) makeRoomLocked(now time.Time) {
	var oldest credential.Digest
	var first time.Time
	for digest, until := range l.until {
		if !now.Before(until) {
			delete(l.until, digest)
			continue
		}
		if first.IsZero() || until.Before(first) {
			oldest, first = digest, until
		}
	}
	if len(l.until) >= maxLinks {
		delete(l.until, oldest)
	}
}
