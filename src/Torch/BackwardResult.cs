using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>What the backward of a function written in C# returns.</summary>
/// <remarks>
/// Why it exists: TorchSharp 0.107 hands the returned gradients' addresses to libtorch when nothing refers to the objects any more, so
/// that the collector may free them first; and it never frees the objects of the gradient that it gives and of those that it takes, so
/// that their memory stays until the dispose scope around the whole backward ends. Here the returned ones are kept until the next
/// backward of such a function on the thread, and the given one ends at once.
/// </remarks>
public static class BackwardResult
{
    [ThreadStatic]
    private static Tensor?[]? t_returned;

    /// <param name="given">The gradient that backward was given. It is disposed, unless it is among the gradients.</param>
    /// <param name="gradients">One for each argument of forward; null for what has none. They are taken out of their dispose scope, and
    /// disposed by the next call.</param>
    /// <returns>The gradients.</returns>
    public static List<Tensor> Of(Tensor given, params IEnumerable<Tensor?> gradients)
    {
        Tensor?[] all = [.. gradients];
        FreeReturned();
        if (!all.Any(gradient => ReferenceEquals(gradient, given)))
            given.Dispose();
        foreach (var gradient in all)
            gradient?.DetachFromDisposeScope();
        t_returned = all;
        return [.. all.Select(gradient => gradient!)];
    }

    /// <summary>Disposes what the last backward on this thread returned, which libtorch has taken by then.</summary>
    internal static void FreeReturned()
    {
        foreach (var gradient in t_returned ?? [])
            gradient?.Dispose();
        t_returned = null;
    }
}
