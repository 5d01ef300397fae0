package file

import (
	"archive/zip"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/account"
	"tutti/internal/ansible/module/attribute"
)

// zipped is a zip archive: looked into here, unpacked by unzip.
type zipped struct {
	*unpacker
	program string
	all     []*zip.File
	wanted  []*zip.File
	// newer are files that keep_newer leaves alone.
	newer []string
}

func openZip(u *unpacker, program string) (*zipped, error) {
	r, err := zip.OpenReader(u.src)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	z := &zipped{unpacker: u, program: program, all: r.File}
	include, err := matchers(u.Strings("include"), false)
	if err != nil {
		return nil, err
	}
	exclude, err := matchers(u.Strings("exclude"), false)
	if err != nil {
		return nil, err
	}
	for _, f := range z.all {
		if len(include) > 0 && !anyOf(include, f.Name) || anyOf(exclude, f.Name) {
			continue
		}
		z.wanted = append(z.wanted, f)
	}
	return z, nil
}

func (z *zipped) kind() string { return "ZipArchive" }

func (z *zipped) files() ([]string, error) {
	var names []string
	for _, f := range z.wanted {
		names = append(names, f.Name)
	}
	return names, nil
}

func (z *zipped) unpack() (module.Output, []string, error) {
	argv := append([]string{z.program, "-o"}, z.Strings("extra_opts")...)
	argv = append(argv, z.src)
	if excludes := append(z.Strings("exclude"), z.newer...); len(excludes) > 0 {
		argv = append(append(argv, "-x"), excludes...)
	}
	argv = append(append(argv, z.Strings("include")...), "-d", z.dest)
	return module.Exec(z.ctx, module.Command{Argv: argv}), argv, nil
}

func (z *zipped) differs() (string, bool, error) {
	var diff strings.Builder
	for _, f := range z.wanted {
		item, err := z.item(f)
		if err != nil {
			return "", false, err
		}
		if item != "" {
			fmt.Fprintf(&diff, "%s %s\n", item, f.Name)
		}
	}
	return diff.String(), diff.Len() > 0, nil
}

// item tells how a file differs from what is there, in the way of rsync's itemised changes;
// "" when it does not.
func (z *zipped) item(f *zip.File) (string, error) {
	path := join(z.dest, f.Name)
	kind := "f"
	switch {
	case strings.HasSuffix(f.Name, "/"):
		kind = "d"
	case f.Mode()&os.ModeSymlink != 0:
		kind = "L"
	}
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		return ">" + kind + "++++++.??", nil
	}
	if want := map[string]uint32{"d": syscall.S_IFDIR, "f": syscall.S_IFREG, "L": syscall.S_IFLNK}[kind]; st.Mode&syscall.S_IFMT != want {
		return "c" + kind + "++++++.??", nil
	}
	item := []byte("." + kind + ".......??")
	before := string(item)
	if kind == "f" {
		if done, err := z.content(f, path, &st, item); done || err != nil {
			return "", err
		}
	}
	if kind != "L" {
		mode, err := z.mode(f, &st)
		if err != nil {
			return "", err
		}
		if mode != st.Mode&0o7777 {
			item[5] = 'p'
		}
	}
	z.owners(&st, item)
	if string(item) == before {
		return "", nil
	}
	return string(item), nil
}

// content compares time, size and checksum. done tells that the file is not to be touched.
func (z *zipped) content(f *zip.File, path string, st *syscall.Stat_t, item []byte) (done bool, err error) {
	stamp, now := stampOf(f), time.Unix(st.Mtim.Unix())
	switch {
	case z.Bool("keep_newer") && stamp.Before(now):
		z.newer = append(z.newer, f.Name)
		return true, nil
	case z.Bool("keep_newer") && stamp.After(now), !z.Bool("keep_newer") && !stamp.Equal(now):
		item[4] = 't'
	}
	if st.Size != int64(f.UncompressedSize64) {
		item[3] = 's'
	}
	sum, err := crcOf(path)
	if err != nil {
		return false, attribute.Failed(attribute.OSError(err, path))
	}
	if sum != f.CRC32 {
		item[2] = 'c'
	}
	return false, nil
}

// stampOf is the time of a file as unzip sets it: local, in steps of two seconds, unless the
// archive has a better one.
func stampOf(f *zip.File) time.Time {
	if f.Modified.Location() != time.UTC && !f.Modified.IsZero() {
		return f.Modified.Truncate(time.Second)
	}
	d, t := f.ModifiedDate, f.ModifiedTime
	dos := time.Date(int(d>>9)+1980, time.Month(d>>5&0xf), int(d&0x1f), int(t>>11), int(t>>5&0x3f), int(t&0x1f)*2, 0, time.Local)
	if seconds := f.Modified.Truncate(time.Second); !f.Modified.IsZero() && hasUnixTime(f.Extra) {
		return seconds
	}
	return dos
}

// hasUnixTime looks for the extra field in which Info-ZIP keeps times in UTC.
func hasUnixTime(extra []byte) bool {
	for len(extra) >= 4 {
		id, size := uint16(extra[0])|uint16(extra[1])<<8, int(extra[2])|int(extra[3])<<8
		if id == 0x5455 {
			return true
		}
		if len(extra) < 4+size {
			return false
		}
		extra = extra[4+size:]
	}
	return false
}

func crcOf(path string) (uint32, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	h := crc32.NewIEEE()
	_, err = io.Copy(h, file)
	return h.Sum32(), err
}

// mode is what the file's mode has to be: the task's, or the archive's.
func (z *zipped) mode(f *zip.File, st *syscall.Stat_t) (uint32, error) {
	if want := z.Args["mode"]; want != nil {
		mode, err := attribute.ParseMode(want, st.Mode)
		if err != nil {
			return 0, attribute.Failed(err.Error(), "path", f.Name)
		}
		return mode, nil
	}
	const unix, darwin = 3, 19
	if creator := f.CreatorVersion >> 8; creator != unix && creator != darwin {
		// The permissions of other systems become what a new file gets here.
		base := uint32(0o666)
		if strings.HasSuffix(f.Name, "/") {
			base = 0o777
		}
		return base &^ attribute.Umask(), nil
	}
	return f.ExternalAttrs >> 16 & 0o777, nil
}

func (z *zipped) owners(st *syscall.Stat_t, item []byte) {
	uid, gid := os.Getuid(), os.Getgid()
	wantUID, wantGID := ids(z.String("owner"), z.String("group"), uid, gid)
	if int(st.Uid) != wantUID {
		item[6] = 'o'
	}
	if int(st.Gid) != wantGID {
		item[6] = 'g'
	}
}

// ids gives the numbers of an owner and a group; those of this process where none is wanted
// or known.
func ids(owner, group string, uid, gid int) (int, int) {
	if id, ok := account.UserID(owner); ok {
		uid = id
	} else if n, err := strconv.Atoi(owner); err == nil {
		uid = n
	}
	if id, ok := account.GroupID(group); ok {
		gid = id
	} else if n, err := strconv.Atoi(group); err == nil {
		gid = n
	}
	return uid, gid
}
