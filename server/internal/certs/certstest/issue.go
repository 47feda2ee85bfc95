// Package certstest makes certificates for tests.
package certstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Issue returns a self-signed certificate for a name or an IP address, valid from
// begin to end, and its key, both as PEM. Each has its own serial number.
func Issue(t testing.TB, host string, begin, end time.Time) (cert, key string) {
	t.Helper()
	return issue(t, host, time.Now().UnixNano(), begin, end)
}

func issue(t testing.TB, host string, number int64, begin, end time.Time) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: host},
		DNSNames:  []string{host},
		NotBefore: begin, NotAfter: end, IsCA: true, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// Good is Issue for a certificate that is valid now.
func Good(t testing.TB, host string) (cert, key string) {
	t.Helper()
	return Issue(t, host, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
}

// Write writes a certificate with that serial number that is valid now, and its key,
// into a folder. It returns the names of the files.
func Write(t testing.TB, dir, host string, number int64) (certFile, keyFile string) {
	t.Helper()
	cert, key := issue(t, host, number, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, text := range map[string]string{certFile: cert, keyFile: key} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
