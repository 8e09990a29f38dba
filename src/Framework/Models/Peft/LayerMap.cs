using Tessera.Framework.Components;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Models.Peft;

/// <summary>A layer, or rows of it, that a method changes.</summary>
/// <param name="Name">Of the layer within its backbone.</param>
/// <param name="Role">Of the rows; of a whole layer of several roles <see cref="LayerRole.Qkv"/>.</param>
/// <param name="Start">The first row of the layer's output.</param>
/// <param name="Length">Rows.</param>
public sealed record LayerSlice(string Name, nn.Module Layer, LayerRole Role, long Start, long Length)
{
    /// <summary>The layer's weight; a norm's has one dimension.</summary>
    public Parameter Weight => Own("weight")!;

    /// <summary>null where the layer has none.</summary>
    public Parameter? Bias => Own("bias");

    /// <summary>Rows of the layer's output.</summary>
    public long Rows => Weight.shape[0];

    /// <summary>Whether the layer multiplies by a matrix: linear layers and convolutions.</summary>
    public bool IsProduct => Layer is Linear or Conv2d;

    /// <summary>Whether it is the layer as a whole.</summary>
    public bool IsWhole => Length == Rows;

    /// <summary>Which dimension of the layer's output the rows lie along.</summary>
    /// <param name="output">What the layer gave.</param>
    public long Along(Tensor output) => Layer is Conv2d || (Layer is not (Linear or LayerNorm) && output.dim() > 2) ? 1 : output.dim() - 1;

    /// <summary>Values for each row, in a form that goes along with the layer's output.</summary>
    /// <param name="values">[rows].</param>
    public Tensor Beside(Tensor values, Tensor output)
    {
        var shape = Enumerable.Repeat(1L, (int)output.dim()).ToArray();
        shape[Along(output)] = values.shape[0];
        return values.view(shape);
    }

    private Parameter? Own(string name) => Layer.named_parameters(recurse: false).FirstOrDefault(own => own.name == name).parameter;
}

/// <summary>The layers of a backbone by their roles.</summary>
public sealed class LayerMap
{
    private readonly string _owner;
    private readonly List<LayerSlice> _slices = [];
    private readonly List<(string Name, TokenBranch Branch)> _branches = [];

    /// <summary>Asks the modules of the backbone (<see cref="IHasLayerRoles"/>), and goes by the kind of layers that none speaks
    /// of.</summary>
    public LayerMap(Backbone backbone)
    {
        _owner = backbone.GetName();
        var modules = backbone.named_modules().Where(entry => entry.name.Length > 0).ToArray();
        var names = modules.DistinctBy(entry => entry.module).ToDictionary(entry => entry.module, entry => entry.name);
        var told = modules
            .Select(entry => entry.module)
            .Prepend(backbone)
            .OfType<IHasLayerRoles>()
            .Distinct()
            .SelectMany(module => module.LayerRoles)
            .ToLookup(entry => entry.Layer);
        foreach (var (name, module) in modules)
        {
            if (!module.named_parameters(recurse: false).Any(own => own.name == "weight"))
                continue;
            var whole = new LayerSlice(name, module, ByKind(module) ?? LayerRole.All, 0, 0);
            if (told.Contains(module))
                _slices.AddRange(
                    told[module]
                        .Select(entry => whole with { Role = entry.Role, Start = StartOf(whole, entry), Length = LengthOf(whole, entry) })
                );
            else if (whole.Role != LayerRole.All)
                _slices.Add(whole with { Length = whole.Rows });
        }
        foreach (var (name, module) in modules)
            if (module is IHasLayerRoles says)
                _branches.AddRange(says.Branches.Select(branch => (names[branch.Module], branch)));
    }

    /// <summary>Every layer, or part of one, with its own role.</summary>
    public IReadOnlyList<LayerSlice> All => _slices;

    /// <summary>What blocks add to their tokens, by the modules' names.</summary>
    public IReadOnlyList<(string Name, TokenBranch Branch)> Branches => _branches;

    /// <summary>The layers of some roles, in the backbone's order; a layer of several roles as a whole where "qkv" or "all" is
    /// asked for, otherwise the rows of each.</summary>
    /// <param name="roles">One or more.</param>
    /// <param name="fits">Which layers the method can change.</param>
    /// <param name="asker">Where the roles stand, for messages: "peft.lora (LoRA)".</param>
    /// <exception cref="UserErrorException">The backbone has no such layer, or none that the method can change.</exception>
    public IReadOnlyList<LayerSlice> Find(IReadOnlyList<LayerRole> roles, Func<LayerSlice, bool> fits, string asker)
    {
        var possible = _slices.Where(fits).ToList();
        foreach (var role in roles)
            if (!possible.Exists(slice => Has(slice, role)))
                throw NoRole(role, possible, asker);
        return [.. possible.GroupBy(slice => slice.Layer).SelectMany(parts => Chosen([.. parts], roles))];
    }

    private static IEnumerable<LayerSlice> Chosen(LayerSlice[] parts, IReadOnlyList<LayerRole> roles)
    {
        var whole = roles.Any(role => role is LayerRole.All or LayerRole.Qkv && Has(parts[0], role));
        if (whole && parts.Length > 1)
            return [parts[0] with { Role = LayerRole.Qkv, Start = 0, Length = parts[0].Rows }];
        return parts.Where(part => roles.Any(role => Has(part, role)));
    }

    private static bool Has(LayerSlice slice, LayerRole role) =>
        role switch
        {
            LayerRole.All => true,
            LayerRole.Qkv => slice.Role is LayerRole.Query or LayerRole.Key or LayerRole.Value,
            LayerRole.Mlp => slice.Role is LayerRole.Fc1 or LayerRole.Fc2,
            _ => slice.Role == role,
        };

    private UserErrorException NoRole(LayerRole role, List<LayerSlice> possible, string asker)
    {
        var word = ConfigKey.NameOf(role.ToString());
        var has = Enum.GetValues<LayerRole>().Where(other => possible.Exists(slice => Has(slice, other))).ToArray();
        return new UserErrorException(
            $"{asker}: {_owner} has no layer of the role \"{word}\" that it can change. "
                + (
                    has.Length == 0
                        ? "It has none of any role."
                        : $"Roles that it has: {string.Join(", ", has.Select(other => ConfigKey.NameOf(other.ToString())))}."
                )
        );
    }

    private static LayerRole? ByKind(nn.Module module) =>
        module.IsNormalization() ? LayerRole.Norm
        : module is Conv2d ? LayerRole.Conv
        : module is Linear ? LayerRole.Linear
        : null;

    private static long LengthOf(LayerSlice slice, RoledLayer entry) => slice.Rows / entry.Parts;

    private static long StartOf(LayerSlice slice, RoledLayer entry) => LengthOf(slice, entry) * entry.Part;
}
