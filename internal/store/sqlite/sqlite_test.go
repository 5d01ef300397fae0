package sqlite

import (
	"context"
	"testing"

	"tutti/internal/secret"
	"tutti/internal/store"
	"tutti/internal/store/storetest"
)

// testKey is fixed, so that processes of one test share it.
const testKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func TestMain(m *testing.M) {
	storetest.Main(m, func(dir string) (store.Store, error) {
		return Open(context.Background(), dir, Options{Ring: secret.NewRing(testKey, "")})
	})
}

func openTest(t testing.TB, dir string) store.Store {
	t.Helper()
	return mustOpen(t, dir)
}

func mustOpen(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(context.Background(), dir, Options{Ring: secret.NewRing(testKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) { storetest.Run(t, openTest) }

func TestProcesses(t *testing.T) { storetest.RunProcesses(t, openTest) }
