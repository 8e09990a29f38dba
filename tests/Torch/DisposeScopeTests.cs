using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class DisposeScopeTests
{
    [Fact]
    public void Scope_DisposesWhatWasMadeInIt()
    {
        Tensor inside;
        using (var scope = NewDisposeScope())
        {
            inside = ones(2) + 1;
            Assert.Equal(2, scope.DisposablesCount); // ones(2) too
            Assert.True(scope.Contains(inside));
        }
        Assert.True(inside.IsInvalid);
        Assert.Null(CurrentDisposeScope);
    }

    [Fact]
    public void MoveToOuter_OutlivesTheInnerScopeOnly()
    {
        Tensor moved;
        using (var outer = NewDisposeScope())
        {
            using (NewDisposeScope())
                moved = (ones(2) * 3).MoveToOuterDisposeScope();
            Assert.False(moved.IsInvalid);
            Assert.True(outer.Contains(moved));
        }
        Assert.True(moved.IsInvalid);
    }

    [Fact]
    public void MoveToOuter_WithoutOuterScope_Detaches()
    {
        Tensor kept;
        using (var scope = NewDisposeScope())
            kept = scope.MoveToOuter(ones(1));
        Assert.False(kept.IsInvalid);
        kept.Dispose();
    }

    [Fact]
    public void Detach_KeepsOutOfAllScopes_AttachBringsBack()
    {
        using var outer = NewDisposeScope();
        Tensor kept,
            back;
        using (var inner = NewDisposeScope())
        {
            kept = ones(1).DetachFromDisposeScope();
            back = inner.Detach(ones(1));
            outer.Attach(back);
        }
        Assert.False(kept.IsInvalid);
        Assert.True(outer.Contains(back));
        Assert.False(outer.Contains(kept));
        kept.Dispose();
    }

    [Fact]
    public void DisposeEverythingBut_KeepsTheNamed()
    {
        using var scope = NewDisposeScope();
        var (a, b, c) = (ones(1), ones(1), ones(1));
        scope.DisposeEverythingBut(b);
        Assert.Equal((true, false, true), (a.IsInvalid, b.IsInvalid, c.IsInvalid));
        Assert.Equal(1, scope.DisposablesCount);
    }

    [Fact]
    public void DisposedByHand_LeavesTheScope()
    {
        using var scope = NewDisposeScope();
        var a = ones(1);
        a.Dispose();
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void ScopesClosedOutOfOrder_DisposeTheirOwn()
    {
        var outer = NewDisposeScope();
        var a = ones(1);
        var inner = NewDisposeScope();
        var b = ones(1);
        outer.Dispose();
        Assert.Equal((true, false), (a.IsInvalid, b.IsInvalid));
        inner.Dispose();
        Assert.True(b.IsInvalid);
        Assert.Null(CurrentDisposeScope);
        Assert.Throws<ObjectDisposedException>(() => outer.DisposablesCount);
    }

    [Fact]
    public void Scopes_AreOfTheirThread()
    {
        using var scope = NewDisposeScope();
        Tensor? other = null;
        var thread = new Thread(() => other = ones(1));
        thread.Start();
        thread.Join();
        Assert.False(scope.Contains(other!));
        other!.Dispose();
    }

    [Fact]
    public void Statistics_CountTheLifeOfTensors()
    {
        var statistics = DisposeScopeManager.Statistics;
        statistics.Reset();
        ones(1).Dispose();
        using (NewDisposeScope())
        {
            _ = ones(1);
            ones(1).DetachFromDisposeScope().Dispose();
        }
        Assert.Equal((1, 2), (statistics.CreatedOutsideScopeCount, statistics.CreatedInScopeCount));
        Assert.Equal((2, 1), (statistics.DisposedOutsideScopeCount, statistics.DisposedInScopeCount));
        Assert.Equal(1, statistics.DetachedFromScopeCount);
        Assert.Equal(0, statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Training_LeavesNoTensorBehind()
    {
        using var outer = NewDisposeScope();
        var w = randn(8, 8, requires_grad: true);
        long before = -1;
        for (var i = 0; i < 20; i++)
        {
            using (NewDisposeScope())
            {
                var loss = randn(4, 8).matmul(w).relu()[.., 1..].pow(2).mean();
                loss.backward();
                using (no_grad())
                    w.sub_(w.grad! * 0.1);
                w.grad = null;
            }
            var live = outer.DisposablesCount;
            if (before >= 0)
                Assert.Equal(before, live);
            before = live;
        }
        Assert.Equal(1, before);
    }

    [Fact]
    public void LiveNativeTensors_ReturnToWhatTheyWere()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        var before = Tensor.TotalCount;
        using (NewDisposeScope())
        {
            var x = randn(4, 3, 8, 8, requires_grad: true);
            var y = nn.functional.max_pool2d(nn.functional.conv2d(x, randn(5, 3, 3, 3)), 2);
            var (values, _) = y.flatten(1).topk(3);
            autograd.grad([values.sum()], [x])[0].split(2).Last()[.., 0].ToString();
            Assert.True(Tensor.TotalCount > before + 5);
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void ForgottenTensors_AreReleasedByTheFinalizer()
    {
        static WeakReference[] Forget()
        {
            var all = new WeakReference[50];
            for (var i = 0; i < all.Length; i++)
                all[i] = new WeakReference(ones(1000), trackResurrection: true);
            return all;
        }
        var forgotten = Forget();
        for (var i = 0; i < 10 && forgotten.Any(f => f.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.DoesNotContain(forgotten, f => f.IsAlive);
    }
}
