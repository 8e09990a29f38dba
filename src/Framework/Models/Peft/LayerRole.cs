using static TorchSharp.torch;

namespace Tessera.Framework.Models.Peft;

/// <summary>What a layer does in its network. Parameter-efficient methods choose layers by it, never by a name.</summary>
public enum LayerRole
{
    /// <summary>Makes an attention's queries; of a layer that makes more, its rows for them.</summary>
    Query,

    /// <summary>Makes an attention's keys.</summary>
    Key,

    /// <summary>Makes an attention's values.</summary>
    Value,

    /// <summary>Whole layers that make queries, keys or values, one or several of them.</summary>
    Qkv,

    /// <summary>An attention's last layer.</summary>
    Proj,

    /// <summary>The first layer of a token's MLP.</summary>
    Fc1,

    /// <summary>The second layer of a token's MLP.</summary>
    Fc2,

    /// <summary>Both layers of a token's MLP.</summary>
    Mlp,

    /// <summary>Convolutions.</summary>
    Conv,

    /// <summary>Linear layers of no other role: those that merge patches, for one.</summary>
    Linear,

    /// <summary>Layers that normalise.</summary>
    Norm,

    /// <summary>Every layer that the method can change.</summary>
    All,
}

/// <summary>A layer with its role, or some of its rows with theirs.</summary>
/// <param name="Layer">A linear layer, a convolution or a norm.</param>
/// <param name="Role">One that a single layer can have: neither <see cref="LayerRole.Qkv"/>, <see cref="LayerRole.Mlp"/> nor
/// <see cref="LayerRole.All"/>.</param>
/// <param name="Part">Which of <paramref name="Parts"/> equal parts of the layer's output has the role, from 0.</param>
/// <param name="Parts">How many parts there are: 3 for a layer that makes queries, keys and values.</param>
public sealed record RoledLayer(nn.Module Layer, LayerRole Role, int Part = 0, int Parts = 1);

/// <summary>What a residual branch of a block is.</summary>
public enum BranchKind
{
    Attention,
    Mlp,
}

/// <summary>A module that gives what a block adds to its tokens; adapters stand behind or beside it.</summary>
/// <param name="Module">Gives [B, N, <paramref name="OutWidth"/>] for [B, N, <paramref name="InWidth"/>], with or without a
/// <see cref="TokenGrid"/> beside.</param>
public sealed record TokenBranch(nn.Module Module, BranchKind Kind, long InWidth, long OutWidth);

/// <summary>
/// A module that says what its layers are for. Layers that nobody says anything of have the role of their kind: convolutions "conv",
/// norms "norm", linear layers "linear"; so a plugin's backbone works as it is, and better where its attention and MLPs bear this.
/// </summary>
public interface IHasLayerRoles
{
    /// <summary>Layers within this module.</summary>
    IEnumerable<RoledLayer> LayerRoles { get; }

    /// <summary>This module, or one within, as what a block adds.</summary>
    IEnumerable<TokenBranch> Branches => [];
}

/// <summary>A backbone into whose blocks further tokens can be put, between its leading tokens and those of the image.</summary>
public interface ITakesPrompts
{
    /// <summary>In the order in which they run. A block is told by its grid how many tokens lead.</summary>
    IReadOnlyList<nn.Module<Tensor, TokenGrid, Tensor>> PromptedBlocks { get; }

    /// <summary>Width of a token.</summary>
    int TokenWidth { get; }

    /// <summary>Values of the image that become one token: channels times the pixels of a patch. Decides how prompts start.</summary>
    int PatchValues { get; }
}
