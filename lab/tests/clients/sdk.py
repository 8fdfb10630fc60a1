"""Hetzner's own Python library, used as a program uses it. The arguments are the endpoint, a token and
a public key. It ends well when every call answers as it should."""

import sys

from hcloud import APIException, Client
from hcloud.firewalls import FirewallRule
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.networks import NetworkSubnet
from hcloud.server_types import ServerType
from hcloud.zones import ZoneRecord

endpoint, token, public_key = sys.argv[1:]
client = Client(token=token, api_endpoint=endpoint, poll_interval=0.02)


def refused(code, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except APIException as error:
        assert error.code == code, f"{error.code} and not {code}: {error}"
    else:
        raise AssertionError(f"{code} was expected of {call}")


# What can be had.
cpx11 = client.server_types.get_by_name("cpx11")
assert cpx11.cores == 2 and any(offer.location.name == "ash" for offer in cpx11.locations)
ash = client.locations.get_by_name("ash")
debian = client.images.get_by_name_and_architecture("debian-12", "x86")
assert debian.type == "system"

# Keys and firewalls.
key = client.ssh_keys.create(name="operator", public_key=public_key, labels={"app": "sdk"})
refused("uniqueness_error", client.ssh_keys.create, name="operator", public_key=public_key)
assert client.ssh_keys.get_by_fingerprint(key.fingerprint).id == key.id
assert key.update(name="admin").name == "admin"
rule = FirewallRule(direction="in", protocol="tcp", port="443", source_ips=["0.0.0.0/0", "::/0"])
firewall = client.firewalls.create(name="web", rules=[rule]).firewall
assert client.firewalls.get_by_id(firewall.id).rules[0].port == "443"

# A server with all that it can have.
network = client.networks.create(name="inner", ip_range="10.0.0.0/16")
client.actions.get_by_id(
    network.add_subnet(NetworkSubnet(type="cloud", network_zone="us-east", ip_range="10.0.1.0/24")).id
).wait_until_finished()
primary_ip = client.primary_ips.create(name="front", type="ipv4", location=ash).primary_ip
made = client.volumes.create(name="data", size=10, location=ash, format="ext4")
made.action.wait_until_finished()
volume = made.volume
made = client.servers.create(
    name="web-1",
    server_type=ServerType(name="cpx11"),
    image=Image(name="debian-12"),
    location=Location(name="ash"),
    ssh_keys=[key],
    firewalls=[firewall],
    networks=[network],
    volumes=[volume],
    user_data="#cloud-config\n{}\n",
    labels={"app": "sdk"},
)
assert made.root_password is None
for action in [made.action, *made.next_actions]:
    action.wait_until_finished()
server = client.servers.get_by_name("web-1")
assert server.status == "running" and server.private_net[0].network.id == network.id
assert [found.id for found in client.servers.get_all(label_selector="app=sdk")] == [server.id]
assert server.public_net.firewalls[0].firewall.id == firewall.id
refused("uniqueness_error", client.servers.create, name="web-1", server_type=cpx11, image=debian, location=ash)
refused("invalid_input", client.servers.create, name="b", server_type=cpx11, image=debian, location=Location(name="fsn1"))

# What is done to it.
firewall.set_rules([rule, FirewallRule(direction="in", protocol="icmp", source_ips=["0.0.0.0/0"])])
assert len(client.firewalls.get_by_id(firewall.id).rules) == 2
server.change_dns_ptr(server.public_net.ipv4.ip, "web.example.com").wait_until_finished()
server.enable_backup().wait_until_finished()
snapshot = server.create_image(description="before", labels={"app": "sdk"})
snapshot.action.wait_until_finished()
assert client.images.get_by_id(snapshot.image.id).status == "available"
server.change_protection(delete=True, rebuild=True).wait_until_finished()
refused("protected", server.delete)
server.change_protection(delete=False, rebuild=False).wait_until_finished()
server.detach_from_network(network).wait_until_finished()
server.attach_to_network(network).wait_until_finished()
volume.detach().wait_until_finished()
volume.resize(20).wait_until_finished()
volume.attach(server, automount=True).wait_until_finished()
server.power_off().wait_until_finished()
server.change_type(ServerType(name="cpx21"), upgrade_disk=False).wait_until_finished()
server.power_on().wait_until_finished()
server.rebuild(Image(name="debian-12")).action.wait_until_finished()
server.enable_rescue(type="linux64", ssh_keys=[key.id]).action.wait_until_finished()
server.disable_rescue().wait_until_finished()
server.reset().wait_until_finished()
assert client.servers.get_by_id(server.id).server_type.name == "cpx21"

# Names.
zone = client.zones.create(name="example.com", mode="primary")
zone.action.wait_until_finished()
zone = zone.zone
rrset = client.zones.create_rrset(zone, name="www", type="A", records=[ZoneRecord(value="192.0.2.1")])
rrset.action.wait_until_finished()
client.zones.set_rrset_records(rrset.rrset, [ZoneRecord(value="192.0.2.2")]).wait_until_finished()
assert client.zones.get_rrset(zone, "www", "A").records[0].value == "192.0.2.2"
client.zones.delete_rrset(rrset.rrset).action.wait_until_finished()
client.zones.delete(zone).action.wait_until_finished()

# And its end.
refused("resource_in_use", firewall.delete)
server.delete().wait_until_finished()
assert client.servers.get_by_name("web-1") is None
primary_ip.delete()
client.volumes.get_by_id(volume.id).delete()
client.images.get_by_id(snapshot.image.id).delete()
client.firewalls.delete(firewall)
client.networks.delete(network)
client.ssh_keys.delete(key)
for kind in [client.servers, client.firewalls, client.networks, client.volumes, client.primary_ips, client.ssh_keys, client.zones]:
    assert kind.get_all() == [], kind
assert client.images.get_all(type="snapshot") == []
