using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Peft;

/// <param name="Tokens">How many tokens are added.</param>
/// <param name="Deep">Each block has tokens of its own, in place of what became of those before it.</param>
/// <param name="Dropout">Dropout of the added tokens.</param>
public sealed record VptOptions(
    [property: Range(1, 4096)] int Tokens = 10,
    bool Deep = false,
    [property: Range(0.0, 0.99)] double Dropout = 0
);

/// <summary>Learned tokens among those of a transformer, behind its class token.</summary>
/// <remarks>Jia et al., "Visual Prompt Tuning", 2022, arXiv:2203.12119: shallow, at the input alone, and deep. What became of them is no
/// part of the backbone's output.</remarks>
[Component("VPT")]
public sealed class Vpt(VptOptions options) : PeftMethod
{
    public override string CannotMerge => "its tokens are an input, which weights can't stand in for.";

    public override void Apply(PeftSite site)
    {
        if (site.Backbone is not ITakesPrompts takes)
            throw new UserErrorException(
                $"{site.Asker} needs a backbone whose blocks take further tokens (VisionTransformer, T2TViT); {site.Backbone.GetName()} "
                    + $"doesn't say that it does."
            );
        site.ClaimPrompts();
        var prompts = new Prompts(takes, options);
        site.Keep("prompts", prompts);
        prompts.Attach();
    }
}

internal sealed class Prompts : Module
{
    private readonly Parameter tokens; // [blocks that have some, p, C]

    private readonly IReadOnlyList<Module<Tensor, TokenGrid, Tensor>> _blocks;
    private readonly int _count;
    private readonly double _dropout;
    private Tensor? _passed; // what a shallow prompt became in the block before, [B, p, C]

    public Prompts(ITakesPrompts backbone, VptOptions options)
        : base(nameof(Prompts))
    {
        (_blocks, _count, _dropout) = (backbone.PromptedBlocks, options.Tokens, options.Dropout);
        var limit = Math.Sqrt(6.0 / (backbone.PatchValues + backbone.TokenWidth));
        tokens = Starts.Uniform(limit, options.Deep ? _blocks.Count : 1, _count, backbone.TokenWidth);
        RegisterComponents();
    }

    public void Attach()
    {
        for (var i = 0; i < _blocks.Count; i++)
        {
            var block = i;
            var leading = 0;
            _blocks[i]
                .register_forward_pre_hook(
                    (_, x, grid) =>
                    {
                        leading = grid.Leading;
                        return (Insert(x, leading, block), grid with { Leading = leading + _count });
                    }
                );
            _blocks[i].register_forward_hook((_, _, _, output) => TakeOut(output, leading));
        }
    }

    private Tensor Insert(Tensor x, int leading, int block)
    {
        using var scope = NewDisposeScope();
        var prompt = block < tokens.shape[0] ? Dropped(tokens.narrow(0, block, 1).expand(x.shape[0], -1, -1)) : _passed!;
        var all = cat([x.narrow(1, 0, leading), prompt.to(x.dtype), x.narrow(1, leading, x.shape[1] - leading)], 1);
        return scope.MoveToOuter(all);
    }

    private Tensor TakeOut(Tensor x, int leading)
    {
        using var scope = NewDisposeScope();
        if (tokens.shape[0] == 1)
            _passed = scope.MoveToOuter(x.narrow(1, leading, _count));
        var behind = leading + _count;
        return scope.MoveToOuter(cat([x.narrow(1, 0, leading), x.narrow(1, behind, x.shape[1] - behind)], 1));
    }

    private Tensor Dropped(Tensor prompt) => _dropout > 0 ? functional.dropout(prompt, _dropout, training) : prompt;
}
