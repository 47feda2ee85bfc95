package auth

import (
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
)

// LinkLife is how long a sign-in link is valid.
const LinkLife = 10 * time.Minute

// maxLinks is how many unused links there may be. One more replaces the oldest.
const maxLinks = 64

// Links holds the unused sign-in links, in memory: a restart invalidates them. The zero
// Links is ready for use. Its methods are safe for concurrent use.
type Links struct {
	// mu guards the following field.
	mu      sync.Mutex
	expires map[credential.Digest]time.Time // when a link expires, by the digest of its code
}

// New returns the code of a new link: 256 random bits, valid once and for LinkLife.
func (l *Links) New() string {
	code := credential.SignInLink.Generate().Reveal()
	now := time.Now()

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.expires == nil {
		l.expires = make(map[credential.Digest]time.Time)
	}
	l.evictLocked(now)
	l.expires[credential.DigestOf(code)] = now.Add(LinkLife)
	return code
}

// Redeem reports whether code belongs to a valid link, and invalidates the link.
func (l *Links) Redeem(code string) bool {
	digest := credential.DigestOf(code)
	l.mu.Lock()
	defer l.mu.Unlock()
	expires, ok := l.expires[digest]
	delete(l.expires, digest)
	return ok && time.Now().Before(expires)
}

// evictLocked removes the links that have expired. If there are still maxLinks, it
// removes the oldest one.
func (l *Links) evictLocked(now time.Time) {
	var oldest credential.Digest
	var first time.Time
	for digest, until := range l.expires {
		if !now.Before(until) {
			delete(l.expires, digest)
			continue
		}
		if first.IsZero() || until.Before(first) {
			oldest, first = digest, until
		}
	}
	if len(l.expires) >= maxLinks {
		delete(l.expires, oldest)
	}
}
