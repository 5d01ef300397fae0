package main

import (
	"fmt"
	"strings"
)

// Every playbook works in the folder {{ place }}, which is new for each run.

const itemsPlay = `- hosts: all
  gather_facts: false
  tasks:
    - copy: {content: "item {{ item }}\n", dest: "{{ place }}/{{ item }}.txt"}
      loop: "{{ range(50) | list }}"
    - stat: {path: "{{ place }}/{{ item }}.txt"}
      loop: "{{ range(50) | list }}"
    - command: /bin/true
      loop: "{{ range(50) | list }}"
`

const factsPlay = `- hosts: all
  gather_facts: true
`

const firstPlay = `- hosts: all
  gather_facts: false
  tasks:
    - debug: {msg: here}
`

// manyPlay keeps something of each host, and asks each for something.
const manyPlay = `- hosts: all
  gather_facts: false
  tasks:
    - set_fact: {name_of: "{{ inventory_hostname | upper }}", list_of: "{{ range(20) | list }}"}
    - stat: {path: /}
      register: root
    - debug: {msg: "{{ name_of }} {{ root.stat.isdir }}"}
      when: list_of | length == 20
    - assert: {that: root.stat.isdir}
`

// tasksPlay has ten tasks of each of three kinds, as roles have them.
func tasksPlay() string {
	var b strings.Builder
	b.WriteString("- hosts: all\n  gather_facts: false\n  tasks:\n    - file: {path: '{{ place }}/{{ inventory_hostname }}', state: directory}\n")
	for i := range 29 {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&b, "    - copy: {content: 'text %d of {{ inventory_hostname }}', dest: '{{ place }}/{{ inventory_hostname }}/%d.txt'}\n", i, i)
		case 1:
			fmt.Fprintf(&b, "    - stat: {path: '{{ place }}/{{ inventory_hostname }}/%d.txt'}\n      register: found\n", i-1)
		default:
			b.WriteString("    - command: /bin/true\n      when: found.stat.exists\n")
		}
	}
	return b.String()
}

func manyHosts(*bench) string { return hosts(1000) }

func fewHosts(*bench) string { return hosts(10) }

func hosts(n int) string {
	return fmt.Sprintf("host[0001:%04d] ansible_connection=local\n", n)
}
