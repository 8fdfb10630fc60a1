"""Hetzner's own Python library looks at what citrino-ops made. The arguments are the endpoint and a token;
what it saw is printed as JSON."""

import json
import sys

from hcloud import Client

client = Client(token=sys.argv[2], api_endpoint=sys.argv[1])
server = client.servers.get_by_name("prod")
firewall = client.firewalls.get_by_name("prod")
network = client.networks.get_by_name("prod")
volume = client.volumes.get_by_name("prod-data")
address = client.primary_ips.get_by_name("prod-ipv4")
key = client.ssh_keys.get_by_name("prod-id_ed25519")
record = client.zones.get("example.com").get_rrset("www", "A")
print(
    json.dumps(
        {
            "server": {
                "id": server.id,
                "name": server.name,
                "status": server.status,
                "labels": server.labels,
                "protection": server.protection,
                "backup_window": server.backup_window,
                "type": server.server_type.name,
                "image": server.image.name,
                "location": server.location.name,
                "ipv4": server.public_net.ipv4.ip,
                "private": server.private_net[0].ip,
                "volumes": [each.id for each in server.volumes],
            },
            "ports": sorted(rule.port for rule in firewall.rules if rule.port),
            "network": network.ip_range,
            "volume": [volume.size, volume.server.id, volume.linux_device],
            "address": [address.ip, address.auto_delete, address.assignee_id, address.dns_ptr[0]["dns_ptr"]],
            "key": key.public_key,
            "record": record.records[0].value,
        }
    )
)
