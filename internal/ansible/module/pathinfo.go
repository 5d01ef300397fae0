package module

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"tutti/internal/ansible/module/account"
)

// addPathInfo adds what every result with a "path" or "dest" tells of that file.
func addPathInfo(r Result) {
	path, ok := r["path"].(string)
	if _, given := r["path"]; !given {
		path, ok = r["dest"].(string)
	}
	if !ok || path == "" {
		return
	}
	target, err := os.Stat(path)
	if err != nil {
		return
	}
	info, err := os.Lstat(path)
	if err != nil {
		return
	}
	st, _ := info.Sys().(*syscall.Stat_t)
	if st == nil {
		return
	}
	uid, gid := int(st.Uid), int(st.Gid)
	r["uid"], r["gid"] = uid, gid
	r["owner"], r["group"] = strconv.Itoa(uid), strconv.Itoa(gid)
	if name, ok := account.UserName(uid); ok {
		r["owner"] = name
	}
	if name, ok := account.GroupName(gid); ok {
		r["group"] = name
	}
	r["mode"] = fmt.Sprintf("0%03o", st.Mode&0o7777)
	r["size"] = info.Size()
	r["state"] = "file"
	switch targetStat, _ := target.Sys().(*syscall.Stat_t); {
	case info.Mode()&os.ModeSymlink != 0:
		r["state"] = "link"
	case info.IsDir():
		r["state"] = "directory"
	case targetStat != nil && targetStat.Nlink > 1:
		r["state"] = "hard"
	}
}
