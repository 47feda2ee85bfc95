package sqlite

import (
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Keys returns the store of API keys.
func (s *Store) Keys() auth.KeyStore {
	return part[auth.KeyTx]{s, func(tx *Tx) auth.KeyTx { return keyTx{tx} }}
}

type keyTx struct{ tx *Tx }

const keyColumns = `id, digest, prefix, name, user_id, role, created_at, created_by, expires_at, last_used_at,
	revoked_at, revoked_by`

func scanKey(row Row) (k auth.Key, err error) {
	var digest []byte
	err = row.Scan(&k.ID, &digest, &k.Prefix, &k.Name, &k.UserID, &k.Role, &k.CreatedAt,
		&k.CreatedBy, &k.ExpiresAt, &k.LastUsedAt, &k.RevokedAt, &k.RevokedBy)
	if err == nil && len(digest) != len(k.Digest) {
		err = errors.New("sqlite: an API key's digest has the wrong length")
	}
	copy(k.Digest[:], digest)
	return k, err
}

func (t keyTx) Insert(k auth.Key) error {
	_, err := t.tx.Exec(`INSERT INTO api_keys (`+keyColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
		k.ID, k.Digest[:], k.Prefix, k.Name, k.UserID, string(k.Role), int64(k.CreatedAt),
		k.CreatedBy, int64(k.ExpiresAt), int64(k.LastUsedAt), int64(k.RevokedAt), k.RevokedBy)
	return err
}

func (t keyTx) Revoke(id, by string, at protocol.Time) error {
	_, err := t.tx.Exec(`UPDATE api_keys SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at = 0`,
		int64(at), by, id)
	return err
}

func (t keyTx) Touch(id string, at protocol.Time) error {
	_, err := t.tx.Exec(`UPDATE api_keys SET last_used_at = ?1 WHERE id = ?2 AND last_used_at < ?1`,
		int64(at), id)
	return err
}

func (t keyTx) Prune(before protocol.Time) error {
	_, err := t.tx.Exec(`DELETE FROM api_keys WHERE revoked_at > 0 AND revoked_at < ?1 OR expires_at > 0 AND expires_at < ?1`,
		int64(before))
	return err
}

func (t keyTx) ByDigest(d credential.Digest) (auth.Key, error) {
	return t.one(`SELECT `+keyColumns+` FROM api_keys WHERE digest = ?`, d[:])
}

func (t keyTx) ByID(id string) (auth.Key, error) {
	return t.one(`SELECT `+keyColumns+` FROM api_keys WHERE id = ?`, id)
}

// keyValid is the condition of a key that is valid at ?1.
const keyValid = `revoked_at = 0 AND (expires_at = 0 OR expires_at > ?1)`

func (t keyTx) List(now protocol.Time, limit int) ([]auth.Key, error) {
	return all(t.tx.Query(`SELECT `+keyColumns+` FROM api_keys
		ORDER BY (`+keyValid+`) DESC, created_at DESC, id DESC LIMIT ?2`, int64(now), limit), scanKey)
}

func (t keyTx) CountValid(now protocol.Time) (n int, err error) {
	err = t.tx.QueryRow(`SELECT count(*) FROM api_keys WHERE `+keyValid, int64(now)).Scan(&n)
	return n, err
}

func (t keyTx) one(query string, args ...any) (auth.Key, error) {
	return one(t.tx.Query(query, args...), scanKey)
}
