using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Attention.Core;

/// <summary>A grid of tokens cut into groups of one size, whose tokens attend each other.</summary>
internal interface IGroups
{
    /// <summary>Positions of a group; those that the grid does not fill are padding.</summary>
    int Size { get; }

    /// <param name="x">[X, tokens, d].</param>
    /// <returns>[X, groups, Size, d], zeros where there is padding.</returns>
    Tensor Groups(Tensor x);

    /// <param name="x">[X, groups, Size, d].</param>
    /// <returns>[X, tokens, d].</returns>
    Tensor Tokens(Tensor x);
}

/// <summary>What <see cref="IAttentionMap"/> asks of weights [B, heads, groups, T, T].</summary>
internal static class GroupedWeights
{
    public static Tensor Dense(IGroups groups, Tensor weights, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        var (batch, heads, tokens) = (weights.shape[0], weights.shape[1], grid.Height * grid.Width);
        AttentionWeights.RequireRoom(batch * heads, tokens, tokens);
        // Each position of a group is a token, numbered from 1, or padding, 0.
        var numbers = arange(1, tokens + 1, dtype: ScalarType.Float64, device: weights.device).view(1, tokens, 1);
        var places = groups.Groups(numbers).to(ScalarType.Int64).view(-1, groups.Size); // [groups, T]
        var pairs = places.unsqueeze(2).mul(tokens + 1).add(places.unsqueeze(1)).flatten();
        var dense = zeros(batch, heads, (tokens + 1L) * (tokens + 1), dtype: weights.dtype, device: weights.device);
        dense.index_copy_(2, pairs, weights.flatten(2)); // what falls on padding doesn't count
        return scope.MoveToOuter(dense.view(batch, heads, tokens + 1, tokens + 1).narrow(2, 1, tokens).narrow(3, 1, tokens));
    }

    public static Tensor Pull(IGroups groups, Tensor rows, Tensor weights)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Through(groups, rows, weights.transpose(-2, -1)));
    }

    public static Tensor RowSums(IGroups groups, Tensor weights, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        var all = ones(weights.shape[0], weights.shape[1], grid.Count, dtype: weights.dtype, device: weights.device);
        return scope.MoveToOuter(Through(groups, all, weights));
    }

    // Numbers of tokens [B, R, N], from group to group through matrices [B, R or 1, groups, T, T].
    private static Tensor Through(IGroups groups, Tensor numbers, Tensor matrices)
    {
        var (batch, rows, tokens) = (numbers.shape[0], numbers.shape[1], numbers.shape[2]);
        var grouped = groups.Groups(numbers.reshape(batch * rows, tokens, 1)).view(batch, rows, -1, groups.Size, 1);
        return groups.Tokens(matrices.matmul(grouped).reshape(batch * rows, -1, groups.Size, 1)).reshape(batch, rows, tokens);
    }
}
