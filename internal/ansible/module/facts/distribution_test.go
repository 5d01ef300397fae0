package facts

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// fixture makes a machine of the files in an archive.
func fixture(t testing.TB, archive string) *host {
	t.Helper()
	root := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		file := filepath.Join(root, f.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return newHost(context.Background(), hostOptions{Root: root, FactPath: "/facts.d"})
}

// TestDistributions holds the well-known distributions to what Ansible says of them.
func TestDistributions(t *testing.T) {
	for _, c := range []struct{ name, files, want string }{
		{"Debian 12", "-- etc/os-release --\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n" +
			"VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n-- etc/debian_version --\n12.5\n", "Debian 12.5 12 bookworm Debian"},
		{"Debian testing", "-- etc/os-release --\nPRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nNAME=\"Debian GNU/Linux\"\n" +
			"VERSION_CODENAME=trixie\nID=debian\n-- etc/debian_version --\ntrixie/sid\n", "Debian trixie/sid trixie/sid trixie Debian"},
		{"Ubuntu", "-- etc/os-release --\nPRETTY_NAME=\"Ubuntu 22.04.3 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\n" +
			"VERSION=\"22.04.3 LTS (Jammy Jellyfish)\"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n", "Ubuntu 22.04 22 jammy Debian"},
		{"Raspbian", "-- etc/os-release --\nPRETTY_NAME=\"Raspbian GNU/Linux 11 (bullseye)\"\nNAME=\"Raspbian GNU/Linux\"\nVERSION_ID=\"11\"\n" +
			"VERSION=\"11 (bullseye)\"\nVERSION_CODENAME=bullseye\nID=raspbian\nID_LIKE=debian\n", "Debian 11 11 bullseye Debian"},
		{"Mint", "-- etc/os-release --\nNAME=\"Linux Mint\"\nVERSION=\"21.2 (Victoria)\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n" +
			"PRETTY_NAME=\"Linux Mint 21.2\"\nVERSION_ID=\"21.2\"\nVERSION_CODENAME=victoria\n", "Linux Mint 21.2 21 victoria Debian"},
		{"Kali", "-- etc/os-release --\nPRETTY_NAME=\"Kali GNU/Linux Rolling\"\nNAME=\"Kali GNU/Linux\"\nVERSION_ID=\"2024.1\"\n" +
			"VERSION=\"2024.1\"\nVERSION_CODENAME=kali-rolling\nID=kali\nID_LIKE=debian\n", "Kali 2024.1 2024 kali-rolling Debian"},
		{"Rocky", "-- etc/os-release --\nNAME=\"Rocky Linux\"\nVERSION=\"9.3 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n" +
			"VERSION_ID=\"9.3\"\n-- etc/redhat-release --\nRocky Linux release 9.3 (Blue Onyx)\n", "Rocky 9.3 9 Blue Onyx RedHat"},
		{"Red Hat", "-- etc/os-release --\nNAME=\"Red Hat Enterprise Linux\"\nVERSION=\"8.9 (Ootpa)\"\nID=\"rhel\"\nVERSION_ID=\"8.9\"\n" +
			"-- etc/redhat-release --\nRed Hat Enterprise Linux release 8.9 (Ootpa)\n", "RedHat 8.9 8 Ootpa RedHat"},
		{"CentOS 7", "-- etc/os-release --\nNAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nVERSION_ID=\"7\"\n" +
			"-- etc/centos-release --\nCentOS Linux release 7.9.2009 (Core)\n-- etc/redhat-release --\nCentOS Linux release 7.9.2009 (Core)\n",
			"CentOS 7.9 7 Core RedHat"},
		{"CentOS Stream", "-- etc/os-release --\nNAME=\"CentOS Stream\"\nVERSION=\"9\"\nID=\"centos\"\nVERSION_ID=\"9\"\n" +
			"-- etc/centos-release --\nCentOS Stream release 9\n-- etc/redhat-release --\nCentOS Stream release 9\n", "CentOS 9 9 Stream RedHat"},
		{"Fedora", "-- etc/os-release --\nNAME=\"Fedora Linux\"\nVERSION=\"39 (Server Edition)\"\nID=fedora\nVERSION_ID=39\nVERSION_CODENAME=\"\"\n" +
			"-- etc/redhat-release --\nFedora release 39 (Thirty Nine)\n", "Fedora 39 39  RedHat"},
		{"Oracle", "-- etc/os-release --\nNAME=\"Oracle Linux Server\"\nVERSION=\"8.9\"\nID=\"ol\"\nVERSION_ID=\"8.9\"\n" +
			"-- etc/oracle-release --\nOracle Linux Server release 8.9\n-- etc/redhat-release --\nRed Hat Enterprise Linux release 8.9 (Ootpa)\n",
			"OracleLinux 8.9 8 NA RedHat"},
		{"Amazon", "-- etc/os-release --\nNAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"2023\"\n" +
			"-- etc/system-release --\nAmazon Linux release 2023 (Amazon Linux)\n", "Amazon 2023 2023 NA RedHat"},
		{"Alpine", "-- etc/os-release --\nNAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME=\"Alpine Linux v3.19\"\n" +
			"-- etc/alpine-release --\n3.19.1\n", "Alpine 3.19.1 3 NA Alpine"},
		{"Arch", "-- etc/os-release --\nNAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n-- etc/arch-release --\n", "Archlinux NA NA NA Archlinux"},
		{"openSUSE Leap", "-- etc/os-release --\nNAME=\"openSUSE Leap\"\nVERSION=\"15.5\"\nID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n" +
			"VERSION_ID=\"15.5\"\n", "openSUSE Leap 15.5 15 5 Suse"},
		{"SLES", "-- etc/os-release --\nNAME=\"SLES\"\nVERSION=\"15-SP5\"\nVERSION_ID=\"15.5\"\nPRETTY_NAME=\"SUSE Linux Enterprise Server 15 SP5\"\n" +
			"ID=\"sles\"\nID_LIKE=\"suse\"\n", "SLES 15.5 15 5 Suse"},
		{"Flatcar", "-- etc/os-release --\nNAME=\"Flatcar Container Linux by Kinvolk\"\nID=flatcar\nID_LIKE=coreos\nVERSION=3602.2.1\nVERSION_ID=3602.2.1\n",
			"Flatcar 3602.2.1 3602 NA Flatcar"},
		{"unknown", "-- etc/os-release --\nNAME=\"Shop OS\"\nID=shop\nVERSION=\"7.1\"\n", "Shop OS 7.1 NA NA Shop OS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := fixture(t, c.files).distribution()
			got := ""
			for _, k := range []string{"distribution", "distribution_version", "distribution_major_version", "distribution_release", "os_family"} {
				s, ok := d[k].(string)
				if !ok {
					t.Fatalf("%s is %v", k, d[k])
				}
				got += " " + s
			}
			if got[1:] != c.want {
				t.Errorf("got %q, want %q", got[1:], c.want)
			}
		})
	}
}

func TestLocalFacts(t *testing.T) {
	h := fixture(t, `
-- facts.d/a.fact --
{"n": 1, "f": 1.5, "l": [1, "x"], "big": 9007199254740993}
-- facts.d/b.fact --
; comment
[DEFAULT]
home = /srv
[One]
Path = %(home)s/one
Percent: 100%%
Long = first
  second
[two]
-- facts.d/bad.fact --
no section
-- facts.d/broken.fact --
[a]
b = %(none)s
-- facts.d/ignored.txt --
{}
`)
	got := h.local()["local"].(map[string]any)
	want := map[string]any{
		"a": map[string]any{"n": int64(1), "f": 1.5, "l": []any{int64(1), "x"}, "big": int64(9007199254740993)},
		"b": map[string]any{"One": map[string]any{"home": "/srv", "path": "/srv/one", "percent": "100%", "long": "first\nsecond"},
			"two": map[string]any{"home": "/srv"}},
		"bad":    "error loading facts as JSON or ini - please check content: " + h.path("/facts.d/bad.fact"),
		"broken": got["broken"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(h.warnings) != 2 {
		t.Errorf("warnings: %q", h.warnings)
	}
}

func TestInterpolationIsBounded(t *testing.T) {
	h := fixture(t, "-- facts.d/a.fact --\n[s]\na = %(b)s\nb = %(a)s\n")
	if s, ok := h.local()["local"].(map[string]any)["a"].(string); !ok {
		t.Errorf("got %v", s)
	}
}

func TestCommandLine(t *testing.T) {
	h := fixture(t, "-- proc/cmdline --\nBOOT_IMAGE=/vmlinuz ro console=tty0 console=ttyS0,115200 \"a b=c d\" x=\"y z\"\n")
	want := facts{
		"cmdline": map[string]any{"BOOT_IMAGE": "/vmlinuz", "ro": true, "console": "ttyS0,115200", `"a b`: `c d"`, "x": `"y`, `z"`: true},
		"proc_cmdline": map[string]any{"BOOT_IMAGE": "/vmlinuz", "ro": true, "console": []any{"tty0", "ttyS0,115200"}, `"a b`: `c d"`,
			"x": `"y`, `z"`: true},
	}
	if diff := cmp.Diff(want, h.commandLine()); diff != "" {
		t.Error(diff)
	}
}

func TestDateTime(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Skip("this machine has no time zones")
	}
	got := dateTimeOf(time.Date(2024, 1, 7, 3, 4, 5, 6789000, zone))
	want := map[string]any{"year": "2024", "month": "01", "day": "07", "weekday": "Sunday", "weekday_number": "0", "weeknumber": "01",
		"hour": "03", "minute": "04", "second": "05", "epoch": "1704593045", "epoch_int": "1704593045", "date": "2024-01-07",
		"time": "03:04:05", "iso8601_micro": "2024-01-07T02:04:05.006789Z", "iso8601": "2024-01-07T02:04:05Z",
		"iso8601_basic": "20240107T030405006789", "iso8601_basic_short": "20240107T030405", "tz": "CET", "tz_dst": "CEST", "tz_offset": "+0100"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProcessors(t *testing.T) {
	// Two sockets of two cores with two threads each.
	text := "-- proc/cpuinfo --\n"
	for i := range 8 {
		text += "processor\t: " + string(rune('0'+i)) + "\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nphysical id\t: " +
			string(rune('0'+i/4)) + "\nsiblings\t: 4\ncore id\t: " + string(rune('0'+i%2)) + "\ncpu cores\t: 2\nflags\t: fpu vme\n\n"
	}
	got := fixture(t, text).processor()
	delete(got, "processor")
	delete(got, "processor_nproc") // what this process may use
	want := facts{"processor_count": 2, "processor_cores": 2, "processor_threads_per_core": 2, "processor_vcpus": 8, "flags": []any{"fpu", "vme"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestVirtual(t *testing.T) {
	for files, want := range map[string]string{
		"-- proc/1/cgroup --\n0::/docker/abc\n":                                            "docker guest",
		"-- proc/1/environ --\nPATH=/bin\x00container=podman\x00\n":                        "podman guest",
		"-- sys/devices/virtual/dmi/id/product_name --\nVMware Virtual Platform\n":         "VMware guest",
		"-- sys/devices/virtual/dmi/id/sys_vendor --\nQEMU\n":                              "kvm guest",
		"-- sys/devices/virtual/dmi/id/bios_vendor --\nAmazon EC2\n":                       "kvm guest",
		"-- proc/modules --\nkvm_intel 1 0 - Live 0\nkvm 1 1 kvm_intel, Live 0\n":          "kvm host",
		"-- proc/cpuinfo --\nmodel name\t: QEMU Virtual CPU version 2.5\n":                 "kvm guest",
		"-- proc/cpuinfo --\nmodel name\t: Xeon\n":                                         "NA NA",
		"-- proc/xen/capabilities --\ncontrol_d\n":                                         "xen host",
		"-- run/systemd/container --\nlxc\n-- sys/devices/virtual/dmi/id/x --\n":           "lxc guest",
		"-- sys/devices/virtual/dmi/id/sys_vendor --\nMicrosoft Corporation\n":             "VirtualPC guest",
		"-- .dockerenv --\n-- sys/devices/virtual/dmi/id/sys_vendor --\nQEMU\n-- dev/x --": "docker guest",
	} {
		v := fixture(t, files).virtual()
		if got := v["virtualization_type"].(string) + " " + v["virtualization_role"].(string); got != want {
			t.Errorf("%q: %s, want %s", files, got, want)
		}
	}
}

func TestMountTables(t *testing.T) {
	tab := lines("# c\nUUID=abc / ext4 rw 0 1\n/dev/sda2 /mnt/a\\040b xfs defaults\n")
	got := mountTable(tab)
	want := []mountEntry{
		{point: "/", origin: "UUID=abc / ext4 rw 0 1", fields: map[string]any{"device": "UUID=abc", "mount": "/", "fstype": "ext4", "options": "rw", "dump": 0, "passno": 1}},
		{point: "/mnt/a b", origin: `/dev/sda2 /mnt/a\040b xfs defaults`, fields: map[string]any{"device": "/dev/sda2", "mount": "/mnt/a b", "fstype": "xfs", "options": "defaults"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mountEntry{})); diff != "" {
		t.Error(diff)
	}
	aix := mountTable(lines("* comment\n/home:\n\tdev = /dev/hd1\n\tvfs = jfs2\n\tnodename = nfs\n"))
	if len(aix) != 1 || aix[0].fields["device"] != "nfs:/dev/hd1" || aix[0].fields["fstype"] != "jfs2" {
		t.Errorf("got %v", aix)
	}
	if got := mountOutput("/dev/sda1 on / type ext4 (rw,relatime)\n"); len(got) != 1 || got[0].point != "/" {
		t.Errorf("got %v", got)
	}
}

func TestPythonVersion(t *testing.T) {
	// The version lies across the border of two pieces.
	text := strings.Repeat("x", 256<<10-4) + "\x003.11.notthis\x003.12.0rc3+\x00 and \x003.11.9\x00more"
	file := filepath.Join(t.TempDir(), "python3.11")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if p := scanPython(file, "11"); p == nil || p.version() != "3.11.9" || p.level != "final" {
		t.Errorf("got %+v", p)
	}
	if p := scanPython(file, "12"); p == nil || p.version() != "3.12.0" || p.level != "candidate" || p.serial != 3 {
		t.Errorf("got %+v", p)
	}
	if p := scanPython(file, "13"); p != nil {
		t.Errorf("got %+v", p)
	}
}

func FuzzINI(f *testing.F) {
	f.Add("[a]\nb = %(c)s\n c\n")
	f.Add("[DEFAULT]\nx: %%\n[")
	f.Fuzz(func(_ *testing.T, text string) {
		if sections, err := parseINI(text); err == nil {
			_, _ = interpolated(sections)
		}
		_ = mountTable(lines(text))
		_ = kernelWords(text)
		_ = releaseLine(text)
		_ = fnmatch(text, "ansible_eth0")
	})
}
