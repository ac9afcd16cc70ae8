"""A watched folder on a real SMB share: Samba serves it, smbnetfs (FUSE) mounts it, the server is killed and comes back. Skips where they are not
(`apt-get install samba smbnetfs`, and stop the server that the package starts: this one wants its port)."""
import getpass
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import unicodedata

import pytest
from modbus_fake import wait_for

TEXT = 'time,a\n2021-09-06 10:05,1\n2021-09-06 10:06,2\n'
CONF = """[global]
server role = standalone server
interfaces = lo
bind interfaces only = yes
disable netbios = yes
smb ports = 445
map to guest = Bad User
guest account = {user}
state directory = {base}/state
lock directory = {base}/lock
cache directory = {base}/cache
private dir = {base}/private
pid directory = {base}/pid
ncalrpc dir = {base}/ncalrpc
log file = {base}/log
load printers = no
disable spoolss = yes
[data]
path = {base}/served
guest ok = yes
read only = no
"""


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(('127.0.0.1', port)) == 0


def kill_group(p):
    if p:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()


class Share:
    """`served` is what the other PC sees, `mounted` what this one does."""

    def __init__(self, base):
        self.base, self.served, self.place = base, base / 'served', base / 'net'
        for d in ('state', 'lock', 'cache', 'private', 'pid', 'ncalrpc', 'served', 'net', 'home/.smb'):
            (base / d).mkdir(parents=True)
        (base / 'smb.conf').write_text(CONF.format(base=base, user=getpass.getuser()))
        (base / 'home/.smb/smbnetfs.conf').write_text('')
        os.chmod(base / 'home/.smb/smbnetfs.conf', 0o600)
        self.server = self.client = None

    @property
    def mounted(self):
        return self.place / '127.0.0.1' / 'data'

    def serve(self):
        self.server = subprocess.Popen(['smbd', '-F', '--no-process-group', '-s', self.base / 'smb.conf'], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        wait_for(lambda: answers(445), 20)

    def mount(self):
        self.client = subprocess.Popen(['smbnetfs', '-f', self.place], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, 'HOME': str(self.base / 'home')}, start_new_session=True)
        return wait_for(lambda: os.path.ismount(self.place) or self.client.poll() is not None, 20) and os.path.ismount(self.place)

    def pull(self):
        """The server and what serves its connections, at once."""
        kill_group(self.server)
        self.server = None

    def close(self):
        if os.path.ismount(self.place):
            subprocess.run(['umount', '-l', self.place], check=True)
        kill_group(self.client)
        self.pull()


@pytest.fixture
def share(tmp_path):
    if not (shutil.which('smbd') and shutil.which('smbnetfs') and os.getuid() == 0 and os.access('/dev/fuse', os.R_OK | os.W_OK)) or answers(445):
        pytest.skip('a server of SMB wants Samba, smbnetfs, FUSE, root and its port')
    s = Share(tmp_path / 'smb')
    try:
        s.serve()
        if not s.mount():
            pytest.skip('FUSE may not mount here')
        yield s
    finally:
        s.close()


def away(n):
    return next(l for l in n.get('/metrics').text.splitlines() if l.startswith('moru_watch_folders_away ')).split()[1] != '0'


def test_a_share_of_another_pc(share, new_node):
    n = new_node(serve=False)
    (n.folder / 'moru.yaml').write_text(f'watch:\n  - {share.mounted}\n')
    n.start()
    imports = lambda: {i['file']: i['result'] for i in n.items('/api/v1/imports')}

    # Another PC copies a file bit by bit, beside a lock file and a name as macOS writes it.
    (share.served / '~$book.csv').write_text(TEXT)
    (share.served / unicodedata.normalize('NFD', '사출기.csv')).write_text(TEXT)
    with open(share.served / 'slow.csv', 'w') as f:
        f.write('time,a\n')
        for i in range(30):
            f.write(f'2021-09-06 10:{i:02},{i}\n')
            f.flush()
            time.sleep(0.1)
            assert 'slow.csv' not in imports()
    wait_for(lambda: len(imports()) == 2, 30)
    wait_for(lambda: len(list((share.served / 'done').glob('*.csv'))) == 2, 30)
    assert imports()['slow.csv']['taken'] == 30 and n.signal('사출기', 'a')
    assert [p.name for p in share.served.iterdir() if p.is_file()] == ['~$book.csv']

    # The server is gone in the midst: it is said once, the inbox goes on, and what came meanwhile is taken when it is back.
    share.pull()
    wait_for(lambda: away(n), 60)
    (share.served / 'later.csv').write_text(TEXT)
    (n.folder / 'inbox' / 'here.csv').write_text(TEXT)
    wait_for(lambda: 'here.csv' in imports(), 60)
    assert 'later.csv' not in imports()
    share.serve()
    wait_for(lambda: (share.served / 'done' / 'later.csv').exists(), 60)
    assert not away(n) and imports()['later.csv']['taken'] == 2
    n.stop()
    said = n.log_text()
    assert said.count(' watch_folder:') + said.count(' watch_empty:') == 1 and said.count(' watch_back:') == 1, said
    assert not [p for p in pathlib.Path(share.served).rglob('refused/*')]
