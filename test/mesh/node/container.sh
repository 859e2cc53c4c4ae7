# Inside the container's fresh namespaces: lays its root and becomes its program.
#   container.sh FOLDER HOSTNAME USER:GROUP DIRECTORY [SOURCE TARGET]... -- COMMAND [ARGUMENT]...
set -e
PATH_OF_CONTAINER=$PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin
folder=$1 name=$2 user=$3 directory=$4
shift 4
root=$folder/root
mount --make-rprivate /
hostname "$name"
mkdir -p "$folder/upper" "$folder/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/secrets"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then
    mkdir -p "$root$2"
  else
    mkdir -p "$root$(dirname "$2")"
    : >>"$root$2"
  fi
  mount --bind "$1" "$root$2"
  shift 2
done
shift
PATH=$PATH_OF_CONTAINER
exec >"$folder/log" 2>&1
export PATH
exec /usr/sbin/chroot --userspec="$user" --groups= "$root" /usr/bin/env -C "$directory" "$@"
