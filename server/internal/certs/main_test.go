package certs

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// logged is a log to look into.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// files are the two files of a pair.
type files struct {
	t         *testing.T
	cert, key string
}

func newFiles(t *testing.T) files {
	dir := t.TempDir()
	return files{t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

func (f files) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// put writes a certificate for a name that is good from begin to end, and its key.
func (f files) put(name string, begin, end time.Time) {
	f.t.Helper()
	cert, key := certstest.Issue(f.t, name, begin, end)
	f.write(f.cert, cert)
	f.write(f.key, key)
}
