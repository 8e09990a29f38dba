using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones;

/// <summary>A backbone of blocks that each take all tokens, so that a model can send tokens of its own through some of them.</summary>
public interface ITokenBackbone
{
    /// <summary>Channels of a token.</summary>
    int TokenWidth { get; }

    /// <summary>Side of a patch in pixels.</summary>
    int PatchSize { get; }

    /// <summary>How many blocks there are.</summary>
    int BlockCount { get; }

    /// <summary>What the first block takes: patches with their positions, behind the backbone's own leading tokens.</summary>
    /// <param name="images">[B, C, H, W], of whole patches.</param>
    /// <returns>[B, N, C] and how the N tokens lie.</returns>
    /// <exception cref="UserErrorException">The backbone was built without its last blocks or its last norm.</exception>
    (Tensor Tokens, TokenGrid Grid) Embed(Tensor images);

    /// <summary>One block.</summary>
    /// <param name="block">From 0.</param>
    /// <param name="tokens">[B, N, C]; further tokens may stand before the backbone's.</param>
    /// <param name="grid">Counts them among the leading ones.</param>
    /// <param name="mask">[B, 1, N, N], true where a token (third dimension) may attend another; null: everywhere.</param>
    /// <returns>[B, N, C].</returns>
    Tensor Attend(int block, Tensor tokens, TokenGrid grid, Tensor? mask);

    /// <summary>The last norm.</summary>
    /// <param name="tokens">[B, N, C], of any block.</param>
    Tensor Normed(Tensor tokens);
}
