#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian packages of the last commit, made and checked in a new folder. Needs
# dpkg-dev, debhelper, lintian and what debian/control names. DEBFULLNAME and
# DEBEMAIL name who makes them; DEB_BUILD_OPTIONS=nocheck leaves out the tests.
# usage: sh examples/debian/build.sh FOLDER
set -eu
if [ $# != 1 ] || [ -e "$1" ]; then
    echo "usage: sh examples/debian/build.sh FOLDER, which must not exist" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

version=$(sed -n "s/^  version: '\(.*\)',\$/\1/p" meson.build)
maintainer="${DEBFULLNAME:-The Phial authors} <${DEBEMAIL:-phial@example.org}>"
tree=$folder/phial-$version

git archive --prefix="phial-$version/" HEAD | tar -x -C "$folder"
cp -R "$tree/examples/debian" "$tree/debian"
rm "$tree/debian/build.sh"
# Debian's own packages would come after these: -1 is later than -0phial1.
cat >"$tree/debian/changelog" <<END
phial ($version-0phial1) unstable; urgency=medium

  * Version $version; see CHANGELOG.md.

 -- $maintainer  $(git log -1 --format=%cD)
END

cd "$tree"
dpkg-buildpackage -us -uc -b
cd ..
lintian --fail-on error,warning ./*.changes
