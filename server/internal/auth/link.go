package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"
)

// LinkLife is how long a sign-in link can be used.
const LinkLife = 10 * time.Minute

// maxLinks is how many links can wait; a further one replaces the oldest.
const maxLinks = 64

// Links are the sign-in links that nobody has used yet. They live in memory, as
// digests: a restart forgets them. The zero Links is ready; its methods are safe
// for concurrent use.
type Links struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

// New gives the code of a new link: 256 random bits, good for LinkLife and once.
func (l *Links) New() string {
	var secret [32]byte
	rand.Read(secret[:])
	code := base64.RawURLEncoding.EncodeToString(secret[:])
	now := time.Now()

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = make(map[[sha256.Size]byte]time.Time)
	}
	l.makeRoom(now)
	l.until[sha256.Sum256([]byte(code))] = now.Add(LinkLife)
	return code
}

// Redeem reports whether code is that of a link that still holds, and uses it
// up. It looks the code's digest up, so its timing tells nothing that helps to
// guess a code.
func (l *Links) Redeem(code string) bool {
	digest := sha256.Sum256([]byte(code))
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.until[digest]
	delete(l.until, digest)
	return ok && time.Now().Before(until)
}

func (l *Links) makeRoom(now time.Time) {
	var oldest [sha256.Size]byte
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
