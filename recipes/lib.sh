# lib.sh - what the run.sh of the recipes share; they are run from the root of the repository.
#
# $data is the recipe's prepared text, $model where the model goes (models/NAME, or what MODEL says).
set -eu
recipe=$(dirname "$0")
[ -r "recipes/$(basename "$recipe")/recipe.yaml" ] || { echo "run it from the root of the repository" >&2; exit 2; }
data=$recipe/data
model=${MODEL:-models/$(basename "$recipe")}
inkstone=build/release/inkstone
[ -x "$inkstone" ] || inkstone=inkstone

ink() {
  echo "+ inkstone $*" >&2
  "$inkstone" "$@"
}

# train TASK FILE... [FLAGS]: by the recipe's settings
train() { ink train "$@" --config "$recipe/recipe.yaml" -o "$model" --overwrite; }
