# What a host had before the stack: a site, a program with a port, a cluster on 5432, an account with sudo, a strict sshd.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get install -qq -y postgresql-common nginx curl sudo python3 >/dev/null
sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
apt-get install -qq -y postgresql-15 >/dev/null
pg_createcluster 15 intranet --port 5432 --start
cd /
runuser -u postgres -- psql -qc 'CREATE DATABASE intranet'
runuser -u postgres -- psql -q intranet -c 'CREATE TABLE cosas AS SELECT generate_series(1, 100)'
mkdir -p /var/www/shop
echo 'shop of the neighbour' >/var/www/shop/index.html
echo 'server { listen 80; server_name shop.example.org; root /var/www/shop; }' >/etc/nginx/sites-available/shop
ln -s ../sites-available/shop /etc/nginx/sites-enabled/
systemctl restart nginx
systemd-run --quiet --unit=neighbour python3 -m http.server 8081
useradd -m -s /bin/bash deploy
install -d -m 700 -o deploy -g deploy /home/deploy/.ssh
install -m 600 -o deploy -g deploy /root/.ssh/authorized_keys /home/deploy/.ssh/authorized_keys
echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy
rm -f /etc/ssh/sshd_config.d/*.conf
printf 'PermitRootLogin no\nPasswordAuthentication no\nMaxAuthTries 3\n' >>/etc/ssh/sshd_config
systemctl reload ssh
# Asked without end: the site and the other cluster's database.
cat >/usr/local/bin/ask-neighbours <<'ASK'
#!/bin/sh
while :; do
  curl -sf -m 5 -H 'Host: shop.example.org' http://127.0.0.1/ | grep -q neighbour || echo site >>/var/tmp/failed
  test "$(runuser -u postgres -- psql -XAtq -p 5432 -d intranet -c 'SELECT count(*) FROM cosas')" = 100 || echo database >>/var/tmp/failed
  echo x >>/var/tmp/asked
done
ASK
chmod 755 /usr/local/bin/ask-neighbours
: >/var/tmp/failed
: >/var/tmp/asked
cd / && systemd-run --quiet --unit=ask-neighbours /usr/local/bin/ask-neighbours
