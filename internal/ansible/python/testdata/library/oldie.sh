#!/bin/sh
. "$1"
echo "{\"changed\": true, \"said\": \"old $name\"}"
