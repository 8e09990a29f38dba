namespace Tessera.Framework.Models;

/// <summary>How deep a backbone's parameters lie: its stem, its blocks in order, and last what is neither (a closing norm, for
/// one).</summary>
/// <param name="stem">Names of its parameters and modules: "patch_embed", "pos_embed".</param>
/// <param name="blocks">The same for each block, from the first.</param>
public sealed class ParameterLayers(IReadOnlyList<string> stem, IReadOnlyList<IReadOnlyList<string>> blocks)
{
    /// <summary>Number of blocks.</summary>
    public int Blocks => blocks.Count;

    /// <summary>Names of what makes up a block, in order; empty where there are no blocks.</summary>
    public IReadOnlyList<string> LastBlock => blocks.Count > 0 ? blocks[^1] : [];

    /// <summary>Names of what makes up each block, from the first.</summary>
    public IReadOnlyList<IReadOnlyList<string>> BlockNames => blocks;

    /// <summary>0 for the stem, i for the i-th block, from 1; <see cref="Blocks"/> + 1 for the rest.</summary>
    /// <param name="parameter">As in the backbone's state dict.</param>
    public int Of(string parameter)
    {
        if (stem.Any(name => Holds(name, parameter)))
            return 0;
        for (var i = 0; i < blocks.Count; i++)
            if (blocks[i].Any(name => Holds(name, parameter)))
                return i + 1;
        return blocks.Count + 1;
    }

    /// <summary>Whether a parameter is neither of the stem nor of a block.</summary>
    public bool IsLast(string parameter) => Of(parameter) > blocks.Count;

    private static bool Holds(string name, string parameter) =>
        parameter.StartsWith(name, StringComparison.Ordinal) && (parameter.Length == name.Length || parameter[name.Length] == '.');
}
