# SPDX-License-Identifier: MIT
# Sourced by quickstart.sh and tests/run.sh: what has to be installed for a
# build or for the tests, and how. A system that has the tools, from wherever,
# is left alone; packages are installed with apt and only named elsewhere. A
# build does without libcurl and libcrypto, which downloads need, and the tests
# without Rust, whose goal is one of its own: .ci/run wants it.

apt_build="gcc libc6-dev meson ninja-build pkg-config libjansson-dev libedit-dev \
libcurl4-openssl-dev libssl-dev"
apt_test="check python3 python3-venv git g++ python3-pycparser ca-certificates \
cmake"
apt_rust="bindgen libclang1-14"
dnf_build="gcc meson ninja-build pkgconf-pkg-config jansson-devel libedit-devel \
libcurl-devel openssl-devel"
dnf_test="check-devel python3 git gcc-c++ python3-pycparser cmake"
dnf_rust="cargo bindgen-cli"
pacman_build="gcc meson ninja pkgconf jansson libedit curl openssl"
pacman_test="check python git python-pycparser cmake"
pacman_rust="rust rust-bindgen"
brew_build="meson ninja pkg-config jansson libedit curl openssl@3"
brew_test="check python git cmake"
brew_rust="rust bindgen"

has() {
    command -v "$1" >/dev/null 2>&1
}

# Cargo may come from elsewhere, and is then newer.
has cargo || apt_rust="$apt_rust cargo"

# Prints what is missing for "build", "test" or "rust".
packages_missing() {
    for tool in cc meson ninja pkg-config; do
        has "$tool" || echo "$tool"
    done
    libraries="jansson libedit"
    if [ "$1" = test ]; then
        libraries="$libraries check libcurl libcrypto"
        for tool in python3 git c++; do
            has "$tool" || echo "$tool"
        done
        python3 -c 'import pycparser' 2>/dev/null || echo pycparser
        python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
    fi
    if [ "$1" = rust ]; then
        for tool in cargo bindgen; do
            has "$tool" || echo "$tool"
        done
    fi
    for library in $libraries; do
        pkg-config --exists "$library" 2>/dev/null || echo "$library"
    done
}

# All package names of one manager for a goal.
packages_of() { # manager, goal
    eval "list=\$$1_build"
    if [ "$2" != build ]; then
        eval "list=\"\$list \$$1_$2\""
    fi
    echo "$list"
}

packages_command() { # manager, goal
    case $1 in
    apt) echo "apt-get install $(packages_of apt "$2")" ;;
    dnf) echo "dnf install $(packages_of dnf "$2")" ;;
    pacman) echo "pacman -S --needed $(packages_of pacman "$2")" ;;
    brew)
        echo "brew install $(packages_of brew "$2")"
        echo 'export PKG_CONFIG_PATH="$(brew --prefix libedit)/lib/pkgconfig:\'
        echo '$(brew --prefix curl)/lib/pkgconfig:\'
        echo '$(brew --prefix openssl@3)/lib/pkgconfig"'
        ;;
    esac
}

# The command is for somebody else to run: we cannot, or should not.
packages_explain() { # goal
    echo "Install these first, then run this script again:"
    for manager in apt-get dnf pacman brew; do
        if has "$manager"; then
            packages_command "${manager%-get}" "$1"
            return
        fi
    done
    for manager in apt dnf pacman brew; do
        packages_command "$manager" "$1"
    done
}

# Makes sure that everything is there, or ends the script.
packages_require() { # goal: build, test or rust
    missing=$(packages_missing "$1" | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    echo "Missing: $missing"
    if has apt-get && [ "$(id -u)" = 0 ]; then
        as_root=
    elif has apt-get && has sudo; then
        as_root=sudo
    else
        packages_explain "$1"
        exit 1
    fi
    echo "Installing: $(packages_of apt "$1")"
    $as_root apt-get update -q
    # The list is meant to be split into words.
    # shellcheck disable=SC2046
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        --no-install-recommends $(packages_of apt "$1")
}
