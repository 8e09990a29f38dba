using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Peft;

/// <summary>s · U relu(D x), added to what a branch gives.</summary>
internal sealed class BranchAdapter : Module<Tensor, Tensor>
{
    private readonly Linear down;
    private readonly Linear up;
    private readonly double _scale;
    private readonly double _dropout;

    /// <param name="from">Width of what it sees.</param>
    /// <param name="to">Width of what the branch gives.</param>
    public BranchAdapter(long from, long to, int bottleneck, double scale, double dropout)
        : base(nameof(BranchAdapter))
    {
        (down, up, _scale, _dropout) = (Linear(from, bottleneck), Linear(bottleneck, to), scale, dropout);
        // Down stays as linear layers begin, Kaiming-uniform: with both at zero neither would ever have a gradient.
        init.zeros_(down.bias!);
        init.zeros_(up.weight!);
        init.zeros_(up.bias!);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = down.call(x).relu();
        if (_dropout > 0)
            x = functional.dropout(x, _dropout, training);
        return scope.MoveToOuter(up.call(x) * _scale);
    }

    /// <summary>Adds the adapter's output to the branch's.</summary>
    /// <param name="beside">It sees what the branch is given, rather than what the branch gives.</param>
    public void AttachTo(TokenBranch branch, bool beside)
    {
        switch (branch.Module)
        {
            case Module<Tensor, Tensor> plain:
                plain.register_forward_hook((_, input, output) => Added(beside ? input : output, output));
                break;
            case Module<Tensor, TokenGrid, Tensor> gridded:
                gridded.register_forward_hook((_, input, _, output) => Added(beside ? input : output, output));
                break;
            default:
                throw new InvalidOperationException($"{branch.Module.GetName()} takes neither tokens nor tokens and their grid.");
        }
    }

    /// <summary>Puts an adapter at every branch of some kinds.</summary>
    /// <exception cref="UserErrorException">The backbone has no such branch.</exception>
    public static void AddAll(PeftSite site, BranchKind[] kinds, bool beside, Func<TokenBranch, BranchAdapter> make)
    {
        var branches = site.Layers.Branches.Where(entry => kinds.Contains(entry.Branch.Kind)).ToArray();
        if (branches.Length == 0)
            throw new UserErrorException(
                $"{site.Asker} needs blocks with an MLP over tokens, as transformers have them; {site.Backbone.GetName()} has none. "
                    + $"LoRA, SSF, IA3, BitFit and NormTuning serve convolutions, too."
            );
        foreach (var (name, branch) in branches)
        {
            var adapter = make(branch);
            site.Keep(name + ".adapter", adapter);
            adapter.AttachTo(branch, beside);
        }
    }

    private Tensor Added(Tensor seen, Tensor output)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(output + call(seen).to(output.dtype));
    }
}
