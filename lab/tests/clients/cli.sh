#!/bin/sh
# Debian's hcloud-cli, used as an operator uses it. $1 is a file with a public key, $2 one with user
# data. It ends well when every command answers as it should; what does not is told.
set -eu

fail() {
    echo "$1" >&2
    echo "$output" >&2
    exit 1
}

# says TEXT COMMAND...: the command goes well, and its output has the text.
says() {
    text=$1
    shift
    output=$(hcloud "$@" 2>&1) || fail "this failed: hcloud $*"
    case $output in
    *"$text"*) ;;
    *) fail "this did not say '$text': hcloud $*" ;;
    esac
}

# refuses TEXT COMMAND...: the command fails, and says why.
refuses() {
    text=$1
    shift
    if output=$(hcloud "$@" 2>&1); then fail "this went well: hcloud $*"; fi
    case $output in
    *"$text"*) ;;
    *) fail "this did not say '$text': hcloud $*" ;;
    esac
}

says ash location list
says cpx11 server-type list
says debian-12 image list --type system
says "Debian 12" image describe debian-12

says "created" ssh-key create --name operator --public-key-from-file "$1" --label app=cli
refuses uniqueness_error ssh-key create --name operator --public-key-from-file "$1"
says operator ssh-key list --selector app=cli
says ssh-ed25519 ssh-key describe operator
says "updated" ssh-key update operator --name admin
says "" ssh-key add-label admin env=test

says "created" firewall create --name web --label app=cli
says "" firewall add-rule web --direction in --protocol tcp --port 443 --source-ips 0.0.0.0/0 --source-ips ::/0
says 443 firewall describe web
says "" firewall add-rule web --direction in --protocol icmp --source-ips 0.0.0.0/0

says "created" network create --name inner --ip-range 10.0.0.0/16
says "" network add-subnet inner --type cloud --network-zone us-east --ip-range 10.0.1.0/24
says 10.0.1.0/24 network describe inner
says inner network list

says "created" volume create --name data --size 10 --location ash
says 10 volume describe data

says "created" server create --name web-1 --type cpx11 --image debian-12 --location ash --ssh-key admin \
    --firewall web --network inner --label app=cli --user-data-from-file "$2"
says web-1 server list --selector app=cli -o noheader -o columns=name
says running server list
says "" server describe web-1
address=$(hcloud server ip web-1)
refuses "unsupported location" server create --name far --type cpx11 --image debian-12 --location fsn1
refuses uniqueness_error server create --name web-1 --type cpx11 --image debian-12 --location ash
refuses server_type server create --name other --type cpx99 --image debian-12 --location ash
says "" server add-label web-1 role=front
says "changed" server set-rdns web-1 --ip "$address" --hostname web.example.com
says web.example.com server describe web-1

says "attached" volume attach data --server web-1
says "" volume resize data --size 20
says 20 volume describe data
refuses attached volume delete data
says "detached" volume detach data
says "deleted" volume delete data

says "enabled" server enable-backup web-1
says "enabled" server enable-protection web-1 delete rebuild
refuses protected server delete web-1
says "disabled" server disable-protection web-1 delete rebuild
says "Image" server create-image web-1 --type snapshot --description before --label app=cli
snapshot=$(hcloud image list --type snapshot -o noheader -o columns=id)
says before image describe "$snapshot"
says "" image update "$snapshot" --description after
says "rebuilt" server rebuild web-1 --image debian-12

says "stopped" server poweroff web-1
says off server describe web-1
refuses running server reboot web-1
says "" server change-type web-1 cpx21 --keep-disk
says cpx21 server describe web-1
says "started" server poweron web-1
says "" server reboot web-1
says "detached" server detach-from-network web-1 --network inner
says "" server attach-to-network web-1 --network inner

says "$address" primary-ip list
pip=$(hcloud primary-ip list -o noheader -o columns=id,type | awk '$2 == "ipv4" { print $1 }')
says "$address" primary-ip describe "$pip"
says "" primary-ip update "$pip" --auto-delete=false

says "" server disable-backup web-1
refuses resource_in_use firewall delete web
says "deleted" server delete web-1
# It does not wait for the end of the server: one that is on its way out is no longer listed before long.
until [ -z "$(hcloud server list -o noheader)" ]; do sleep 0.1; done
says "deleted" primary-ip delete "$pip"
says "deleted" image delete "$snapshot"
says "deleted" firewall delete web
says "deleted" network delete inner
says "deleted" ssh-key delete admin
for kind in server firewall network volume ssh-key primary-ip; do
    output=$(hcloud "$kind" list -o noheader)
    [ -z "$output" ] || fail "something is left of $kind"
done
