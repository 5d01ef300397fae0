"""Records what CPython makes of times and formats, in python.json. Needs Python 3.11."""
import datetime as D
import json
import os

t=D.datetime(2024,2,29,5,6,7,89000); n=D.datetime(2021,1,3,0,0); z=D.datetime(2024,12,30,23,59,59,tzinfo=D.timezone(D.timedelta(hours=2)))
env=dict(t=t,n=n,z=z,d=t.date(),td=D.timedelta(days=1,hours=2,seconds=3,microseconds=4),neg=D.timedelta(seconds=-1),D=D)
exprs='''t.year t.month t.day t.hour t.minute t.second t.microsecond d.year
t.isoformat() n.isoformat() z.isoformat() d.isoformat() t.isoformat(' ')
str(t) str(n) str(z) str(d) str(td) str(neg) repr(t) repr(n) repr(z) repr(d) repr(td) repr(neg)
t.weekday() t.isoweekday() t.toordinal() t.ctime() t.date() n.date()
z.timestamp()
td.days td.seconds td.microseconds neg.days neg.seconds td.total_seconds()
t-n n-t t+td t-td d+td td+td td-neg td*2 td/2 td/td td//neg -td t>n t==t t<n td>neg
t.replace(year=2020) t.replace(2023,1,1) t.replace(microsecond=0) z.replace(tzinfo=None)
d-n.date() td*1.5 2*td abs(neg)'''.split()
exprs=[e for e in exprs if e not in ("t.isoformat('","')")]+["t.isoformat(' ')"]
out=[]
for e in exprs:
    out.append([e,repr(eval(e,env))])
for f in ['%Y-%m-%dT%H:%M:%SZ','%y %j %U %W %V %G %u %w','%a %A %b %B %p %I %f','%c|%x|%X|%D|%F|%T|%R','%%|%e|%-d|%-m|%n|%t','%z %Z %C %h','%Q %']:
    for v in 'tnz':
        out.append([f'{v}.strftime({f!r})',repr(eval(f'{v}.strftime({f!r})',env))])
F=[('%s',[1]),('%5d|%-5d|%05d|%+d|% d',[42,42,42,42,42]),('%x %X %#x %o %#o',[255,255,255,8,8]),('%e %E %f %.2f %g %g %g',[12345.678,0.00012,3.14159,2.675,1e10,1e-5,123456789.0]),('%r %a %s',['a','b','c']),('%c%c',[65,'z']),('%10.3s|%-10s|%.1s',['abcdef','ab','xyz']),('%5.1f%%',[99.95]),('%i %u',[3.9,-2.1]),('%d',[True]),('%s %s',[None,True]),('%*d|%.*f',[5,42,2,3.14159]),('%g',[100000.0]),('%g',[1000000.0]),('%#g',[1.0]),('%e',[0.0]),('%s',[[1,'a']]),('%5s|%5s',[None,1.5])]
fm=[]
for f,a in F: fm.append(['%',f,a,f%tuple(a)])
G=[('{:d}',[42]),('{:5}|{:<5}|{:>5}|{:^5}',[1,2,3,4]),('{:5}|{:<5}|{:>5}|{:^5}',['a','b','c','d']),('{:*^10}',['x']),('{:+}|{:-}|{: }',[5,5,5]),('{:x}|{:X}|{:#x}|{:o}|{:b}|{:#b}',[255,255,255,8,5,5]),('{:,}|{:_}|{:,.2f}',[1234567,1234567,1234567.891]),('{:e}|{:.2e}|{:E}',[12345.678,12345.678,0.00012]),('{:f}|{:.0f}|{:.3f}',[3.14159,2.5,2.0005]),('{:g}|{:g}|{:.3g}',[1e10,1e-5,1234.5]),('{:%}|{:.1%}',[0.256,0.256]),('{}|{}|{}',[1.0,1e16,1e-5]),('{:.3}|{:.10}|{:.2}',[3.14159,3.14159,12345.678]),('{:010.3f}|{:<010}|{:=+8}',[3.14159,42,7]),('{:c}',[65]),('{:s}|{:.2s}|{:>6.3s}',['abc','abc','abcdef']),('{0}{1}{0}',['a','b']),('{0[0]}{1[k]}',[[1,2],{'k':'v'}]),('{!r}|{!s}|{!r:>8}',['a','b','c']),('{{{}}}',[1]),('{:{}}',['x',5]),('{:>{}}|',['x',5]),('{:n}',[1234]),('{:5}|{:<5}',[True,None.__class__ and False]),('{:}',[[1]]),('{:.0%}',[0.5]),('{:06.2f}|{:+.1f}|{: .1f}',[-3.14159,2.0,2.0]),('{:.1f}',[0.25]),('{:.1f}',[0.35]),('{:g}|{:g}',[0.0001,0.00001]),('{:.1}',[0.000123]),('{:5.1f}|{:<8.2e}|',[1.25,0.5])]
for f,a in G: fm.append(['{}',f,a,f.format(*a)])
json.dump({'time':out,'format':fm},open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'python.json'), 'w'),indent=0)
print(len(out),len(fm))
