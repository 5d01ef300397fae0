package file

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"tutti/internal/ansible/module/attribute"
)

// tree copies a folder of the host into another (remote_src).
func (k *copier) tree() (changed bool, err error) {
	src, dest := k.String("src"), k.String("dest")
	if k.sum != "" || k.destSum != "" || !k.Bool("remote_src") || !isDir(src) || exists(dest) && !isDir(dest) {
		return false, nil
	}
	if !strings.HasSuffix(src, "/") {
		dest = join(dest, baseName(src))
		src += "/"
	}
	t := tree{copier: k, follow: k.Bool("local_follow"), deref: k.Args["local_follow"] == true}
	if !exists(dest) {
		if k.CheckMode {
			return true, nil
		}
		if err := t.copyTree(src, dest, 0); err != nil {
			return true, err
		}
		return true, t.own(dest)
	}
	if changed, err = t.update(src, dest, 0); err != nil {
		return changed, err
	}
	owned, err := t.ownAll(dest)
	return changed || owned, err
}

// tree copies folders: follow goes through links, otherwise they are made again.
type tree struct {
	*copier
	follow, deref bool
}

// copyTree copies a folder to where nothing is yet.
func (t *tree) copyTree(src, dest string, depth int) error {
	if depth > depthLimit {
		return attribute.Failed(fmt.Sprintf("folders lie more than %d deep in %s", depthLimit, t.src))
	}
	info, err := os.Stat(src)
	if err != nil {
		return attribute.Failed(attribute.OSError(err, src))
	}
	if err := os.MkdirAll(dest, 0o777); err != nil {
		return attribute.Failed(attribute.OSError(err, dest))
	}
	entries, err := readDir(src)
	if err != nil {
		return attribute.Failed(attribute.OSError(err, src))
	}
	for _, e := range entries {
		from, to := join(src, e.Name()), join(dest, e.Name())
		switch {
		case isLink(from) && !t.follow:
			err = relink(from, to)
		case isDir(from):
			err = t.copyTree(from, to, depth+1)
		default:
			err = attribute.CopyWithMeta(from, to)
		}
		if err != nil {
			return err
		}
	}
	if err := syscall.Chmod(dest, modeOf(info)); err != nil {
		return attribute.Failed(attribute.OSError(err, dest))
	}
	_ = os.Chtimes(dest, time.Time{}, info.ModTime())
	return nil
}

func relink(from, to string) error {
	target, err := os.Readlink(from)
	if err == nil {
		err = os.Symlink(target, to)
	}
	return err
}

// update copies what lacks in dest or differs from it.
func (t *tree) update(src, dest string, depth int) (changed bool, err error) {
	if depth > depthLimit {
		return false, attribute.Failed(fmt.Sprintf("folders lie more than %d deep in %s", depthLimit, t.src))
	}
	entries, err := os.ReadDir(src)
	if err != nil {
		return false, attribute.Failed(attribute.OSError(err, src))
	}
	for _, e := range entries {
		from, to := join(src, e.Name()), join(dest, e.Name())
		var did bool
		switch {
		case !exists(to) && !isLink(to):
			did = true
			if !t.CheckMode {
				err = t.add(from, to)
			}
		case isDir(from) && isDir(to):
			did, err = t.update(from, to, depth+1)
		case isFile(from) && isFile(to) && differ(from, to):
			did = true
			if !t.CheckMode {
				err = t.renew(from, to)
			}
		}
		if err != nil {
			return changed, err
		}
		changed = changed || did
	}
	return changed, nil
}

// add copies one thing that dest does not have.
func (t *tree) add(from, to string) (err error) {
	switch {
	case isLink(from) && !t.deref:
		return relink(from, to)
	case isDir(from):
		err = t.copyTree(from, to, 0)
	case isLink(from):
		err = attribute.CopyFile(from, to)
	default:
		err = t.renewContent(from, to)
	}
	if err != nil {
		return err
	}
	return t.own(to)
}

func (t *tree) renew(from, to string) error {
	if isLink(from) && t.Args["local_follow"] == false {
		return relink(from, to)
	}
	if err := t.renewContent(from, to); err != nil {
		return err
	}
	_, err := t.ownOne(to)
	return err
}

func (t *tree) renewContent(from, to string) error {
	info, err := os.Stat(from)
	if err == nil {
		err = attribute.CopyFile(from, to)
	}
	if err == nil {
		err = syscall.Chmod(to, modeOf(info))
	}
	if err != nil {
		return attribute.Failed(attribute.OSError(err, to))
	}
	return nil
}

// differ compares as filecmp does: files of one size and time are taken for the same.
func differ(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX != nil || errY != nil || x.Size() != y.Size() {
		return true
	}
	if x.ModTime().Equal(y.ModTime()) {
		return false
	}
	one, errX := attribute.Checksums(a, "sha1")
	two, errY := attribute.Checksums(b, "sha1")
	return errX != nil || errY != nil || one[0] != two[0]
}

func (t *tree) own(path string) error {
	_, err := t.ownAll(path)
	return err
}

// ownAll gives a folder and all in it to the wanted owner and group.
func (t *tree) ownAll(dir string) (changed bool, err error) {
	if t.Args["owner"] == nil && t.Args["group"] == nil {
		return false, nil
	}
	one := func(path string) {
		if err == nil {
			var did bool
			did, err = t.ownOne(path)
			changed = changed || did
		}
	}
	one(dir)
	walk(dir, func(root string, dirs, files []string) {
		for _, name := range append(dirs, files...) {
			one(join(root, name))
		}
	})
	return changed, err
}

func (t *tree) ownOne(path string) (bool, error) {
	return attribute.Wanted{Path: path, Owner: t.Args["owner"], Group: t.Args["group"]}.Apply(t.ctx, t.Call, false, nil)
}
